import pg from 'pg'

/** One connection for what is no part of serving: migrations, logins, settings. */
export async function withClient<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString, application_name: 'arc migrate' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
