import { defineConfig } from 'vitest/config'
import { SEED } from './test/support/seed.ts'
import { SOON } from './test/support/soon.ts'

console.log(`ARC_TEST_SEED=${SEED}`)

// Vite would take graphql's ES modules where Node takes its CommonJS ones, and two graphqls refuse each other's schemas.
const resolve = { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] }

// Not `extends: true`, which reads this file again for each project and would draw a seed of its own.
const test = {
  testTimeout: 30_000,
  hookTimeout: 60_000,
  expect: { poll: SOON },
  env: { ARC_TEST_SEED: String(SEED) },
  setupFiles: 'test/support/fastCheck.ts',
}

export default defineConfig({
  test: {
    // Much of the time is waiting: for pauses before a second attempt, for tokens to end.
    maxWorkers: 2,
    projects: [
      { resolve, test: { ...test, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        resolve,
        test: {
          ...test,
          name: 'database',
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**'],
          globalSetup: 'test/support/globalSetup.ts',
        },
      },
    ],
  },
})
