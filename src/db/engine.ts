import type pg from 'pg'

/**
 * What kind of PostgreSQL this is: `plain` (also PGlite), `apache` (TimescaleDB without its licensed features) or
 * `timescale` (the full edition).
 */
export type Engine = 'plain' | 'apache' | 'timescale'

export async function detectEngine(client: Pick<pg.ClientBase, 'query'>): Promise<Engine> {
  const { rows } = await client.query<{ engine: Engine }>(`/* detectEngine */
    select case
      when not exists (select from pg_extension where extname = 'timescaledb') then 'plain'
      when current_setting('timescaledb.license', true) = 'timescale' then 'timescale'
      else 'apache'
    end as engine`)
  return rows[0]!.engine
}
