import { fileURLToPath } from 'node:url'

/** Where a file of test/fixtures lies. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
