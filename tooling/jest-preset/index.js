import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * The jest configuration that every package shares. Tests run on the TypeScript sources: workspace packages are mapped to
 * their `src`, so nothing has to be built first. A test file that leaves a handle open fails; see environment.js.
 */
export function preset(displayName, rootDir, overrides = {}) {
  return {
    displayName,
    rootDir,
    testEnvironment: path.join(import.meta.dirname, 'environment.js'),
    testMatch: ['<rootDir>/test/**/*.test.ts'],
    extensionsToTreatAsEsm: ['.ts'],
    transform: {
      '^.+\\.ts$': [
        '@swc/jest',
        {
          jsc: { target: 'es2022', parser: { syntax: 'typescript', explicitResourceManagement: true } },
          module: { type: 'es6' },
        },
      ],
    },
    moduleNameMapper: {
      '^(\\.{1,2}/.*)\\.js$': '$1',
      '^@kombu/core/(virtual|compat)$': path.join(root, 'packages/core/src/$1/index.ts'),
      '^@kombu/(core|conformance|transport-[a-z]+)$': path.join(root, 'packages/$1/src/index.ts'),
    },
    modulePathIgnorePatterns: ['<rootDir>/dist'],
    // Two workers and several brokers share two cores: time-outs are for what hangs, not for what is slow.
    testTimeout: 30_000,
    ...overrides,
  };
}
