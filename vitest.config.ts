import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Vite would take graphql's ES modules where Node takes its CommonJS ones, and two graphqls refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Much of the time is waiting: for pauses before a second attempt, for tokens to end.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'database',
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**'],
          globalSetup: 'test/support/globalSetup.ts',
        },
      },
    ],
  },
})
