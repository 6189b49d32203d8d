import type { Logger } from 'pino'
import { codeOf, DatabaseUnusable } from '../unusable.ts'
import { MigrationsMissing } from './migrator.ts'

/** Between two looks: it may be there in a moment, and need not be asked often if it is not. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000

/**
 * Looks at the database until it is there, and migrated: when all of a system starts at once, it may come after its server. Says in
 * the log what it waits for.
 *
 * @throws what is wrong with it at that time (of `performance.now()`), or at once if waiting does not help
 */
export async function awaited<Result>(
  look: () => Promise<Result>,
  until: number,
  logger: Logger,
): Promise<Result> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await look()
    } catch (error) {
      const leftMs = until - performance.now()
      if (leftMs <= 0 || !isComing(error)) throw error
      const { message } = error as Error
      logger.warn(
        { reason: message, secondsLeft: Math.ceil(leftMs / 1000) },
        'waiting for the database (ARC_START_SECONDS)',
      )
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)))
    }
  }
}

/** It does not listen yet, starts up, is being created, has its name tomorrow, is still a standby, or is being migrated. */
function isComing(error: unknown): boolean {
  const coming =
    /^(57P0[123]|3D000|53300|25006|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|TIMEOUT|ECONNRESET|EPIPE|HUNG_UP)$/
  const original = error instanceof DatabaseUnusable ? error.cause : error
  return error instanceof MigrationsMissing || coming.test(codeOf(original))
}
