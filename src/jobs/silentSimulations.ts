import sql from 'sql-template-tag'
import type { Job } from './job.ts'

/** How many are failed in one transaction, each with an event of its own. */
const STEP = 100

/** Ends what nobody runs any more, so that it does not wait for ever. Every 30 seconds. */
export const FAIL_SILENT_SIMULATIONS: Job = {
  name: 'fail_silent_simulations',
  async run({ query, logger, signal }) {
    let failed: number
    do {
      const [row] = await query<{ failed: number }>(
        sql`/* failSilentSimulations */ select fail_silent_simulations(${STEP}) as failed`,
      )
      failed = row!.failed
      if (failed > 0) logger.info({ simulations: failed }, 'failed: nothing was heard of their runners')
    } while (failed === STEP && !signal.aborted)
  },
}
