/**
 * Makes modules of the original's files that Node can run: its app with doubles of what only a phone has, and its server. The files are
 * not changed, and the packages are those that its lock file names.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packages = fileURLToPath(new URL('../packages/node_modules', import.meta.url));
const doubleOf = (name: string) => fileURLToPath(new URL(`./platform/${name}.ts`, import.meta.url));

const appModule = `
  export { useConsciousnessBridge } from '@/hooks/useConsciousnessBridge';
  export { trpc, trpcClient } from '@/lib/trpc';
  export { default as network } from '@react-native-community/netinfo';
  export { QueryClient, QueryClientProvider } from '@tanstack/react-query';
  export { createElement } from 'react';
  export { create as render } from 'react-test-renderer';
`;

const serverModule = `
  export { default as app } from '@/backend/hono';
  export { fieldManager } from '@/backend/infrastructure/database';
  export { runMigrations } from '@/backend/infrastructure/migrate';
  export { Hono } from 'hono';
  export { serve } from '@hono/node-server';
`;

/** @param checkout the original's files @returns the path of a module with its hook, its tRPC client, and React */
export function bundleApp(checkout: string): Promise<string> {
  return bundle(checkout, appModule, 'app');
}

/** @returns the path of a module with its server, its database code and its migrations */
export function bundleServer(checkout: string): Promise<string> {
  return bundle(checkout, serverModule, 'server');
}

async function bundle(checkout: string, contents: string, name: string): Promise<string> {
  const outfile = join(checkout, `bundle-of-the-${name}.cjs`);
  await build({
    stdin: { contents, resolveDir: checkout, loader: 'ts' },
    alias: {
      '@/hooks': join(checkout, 'hooks'),
      '@/lib': join(checkout, 'lib'),
      '@/backend': join(checkout, 'backend'),
      'react-native': doubleOf('react-native'),
      '@react-native-async-storage/async-storage': doubleOf('async-storage'),
      '@react-native-community/netinfo': doubleOf('netinfo'),
      'expo-haptics': doubleOf('expo-haptics'),
    },
    nodePaths: [packages],
    // Its own extends a package of Expo.
    tsconfigRaw: '{}',
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: `node${process.versions.node}`,
    // As in a released app. It also keeps the server from migrating when it is loaded.
    define: { 'process.env.NODE_ENV': '"production"' },
    outfile,
    logLevel: 'silent',
  });
  return outfile;
}
