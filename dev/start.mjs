// The entry point of `npm start`.
import { launch } from '../cli/launch.mjs';

await launch('dev/start');
