import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { binDirOf, type OtherVersion } from './test/support/other-postgres.ts';

const MARIADB_QUORUM = 'test/e2e/mariadb-quorum.test.ts';

/** The tests of the PostgreSQL adapter against another version than the installed one. */
const onPostgres = (version: OtherVersion): TestProjectInlineConfiguration => ({
  test: {
    name: `postgres-${version}`,
    include: ['test/integration/postgres-{life,replication,custom,slots}.test.ts'],
    globalSetup: [`test/integration/setup-postgres-${version}.ts`],
    env: { TEST_PG_BIN: binDirOf(version) },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Both versions at once, their files one after another.
    maxWorkers: 2,
  },
});

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 5_000 } },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      onPostgres('17'),
      onPostgres('18'),
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...configDefaults.exclude, MARIADB_QUORUM],
          globalSetup: ['test/e2e/global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          // Not a part of `npm test`: it does not pass every time yet (docs/engines.md).
          name: 'mariadb-quorum',
          include: [MARIADB_QUORUM],
          globalSetup: ['test/e2e/global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'containers',
          include: ['test/containers/**/*.test.ts'],
          globalSetup: ['test/e2e/global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 900_000, // the first time, an engine is installed and images are built
          fileParallelism: false,
        },
      },
    ],
  },
});
