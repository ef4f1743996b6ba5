/** Metro as React Native configures it. `PACKAGE_EXPORTS` is `on` or `off`. */
module.exports = {
  projectRoot: __dirname,
  transformer: { babelTransformerPath: require.resolve('@react-native/metro-babel-transformer') },
  resolver: { unstable_enablePackageExports: process.env.PACKAGE_EXPORTS === 'on' },
  serializer: { getModulesRunBeforeMainModule: () => [], getPolyfills: () => [] },
  cacheStores: [],
  maxWorkers: 1,
};
