import pg from 'pg'
import { settledTls } from '../tlsMode.ts'
import { explained } from '../unusable.ts'

/**
 * One connection for what is no part of serving: migrations, logins, settings. `answerMs`: how long a statement may take, for ever when
 * not given. @throws DatabaseUnusable among others.
 */
export async function withClient<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
  answerMs?: number,
): Promise<Result> {
  let client: pg.Client
  try {
    client = new pg.Client({
      connectionString: await settledTls(connectionString),
      application_name: 'arc migrate',
      connectionTimeoutMillis: 30_000,
      query_timeout: answerMs,
    })
    await client.connect()
  } catch (error) {
    throw explained(error, connectionString)
  }
  try {
    return await work(client)
  } catch (error) {
    throw explained(error, connectionString)
  } finally {
    await client.end()
  }
}
