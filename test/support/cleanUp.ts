import { onTestFinished } from 'vitest'

/**
 * What the running test has to undo, the last first. Not by a hook of this module: files of one worker share their
 * modules, so that it would be of the first file alone.
 */
export function cleanUp(step: () => unknown): void {
  onTestFinished(async () => {
    await step()
  })
}
