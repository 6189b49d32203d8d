import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Vite would take graphql's ES modules where Node takes its CommonJS ones, and two graphqls refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/globalSetup.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Much of the time is waiting: for pauses before a second attempt, for tokens to end.
    maxWorkers: 2,
  },
})
