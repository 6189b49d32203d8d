import sql from 'sql-template-tag'
import type { Job } from './job.ts'

/** Ends transactions of people's logins that last longer than theirs may: they can lift their own statement_timeout. */
export const END_LONG_SQL: Job = {
  name: 'end_long_sql',
  async run({ query, logger }) {
    const [row] = await query<{ ended: number }>(sql`/* endLongSql */ select end_long_sql() as ended`)
    if (row!.ended > 0) logger.info({ sessions: row!.ended }, 'ended SQL that lasted too long')
  },
}
