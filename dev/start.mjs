// What `npm start` runs.
import { launch } from '../cli/launch.mjs';

await launch('dev/start');
