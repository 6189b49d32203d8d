import type pg from 'pg'
import { on } from './emptyDatabase.ts'

/** A table's rows, in whatever order they lie. */
export interface TableContents {
  table: string
  rows: number
  md5: string | null
}

/**
 * What Arc's tables hold, partitions and chunks within the table that they are of. Not when its jobs last ran: while a
 * server is up that changes by itself.
 */
export async function databaseContents(url: string): Promise<TableContents[]> {
  return on(url, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(`
      select c.oid::regclass::text as name
      from pg_class c
      where c.relnamespace in (select oid from pg_namespace where nspname in ('public', 'store', 'arc_migrations'))
        and c.relkind in ('r', 'p') and not c.relispartition and c.oid <> 'store.jobs'::regclass
        and not exists (select from pg_depend where objid = c.oid and deptype = 'e')
      order by 1`)
    const contents: TableContents[] = []
    for (const { name } of tables) contents.push({ table: name, ...(await contentsOf(client, name)) })
    return contents
  })
}

async function contentsOf(client: pg.Client, table: string): Promise<{ rows: number; md5: string | null }> {
  const { rows } = await client.query<{ rows: number; md5: string | null }>(
    `select count(*)::int as rows, md5(string_agg(md5(t::text), '' order by md5(t::text))) as md5 from ${table} t`,
  )
  return rows[0]!
}

/** Packs what is older than a week, where the edition can. @returns how many chunks are packed now */
export async function packOldChunks(url: string): Promise<number> {
  return on(url, async (client) => {
    const { rows } = await client.query<{ licence: string | null }>(
      `select current_setting('timescaledb.license', true) as licence`,
    )
    if (rows[0]!.licence !== 'timescale') return 0
    await client.query(`alter table store.outcomes set (timescaledb.compress,
      timescaledb.compress_segmentby = 'user_id', timescaledb.compress_orderby = 'execution_time desc, outcome_id desc')`)
    const { rows: chunks } = await client.query(
      `select compress_chunk(c, if_not_compressed => true) from show_chunks('store.outcomes', older_than => interval '8 days') c`,
    )
    return chunks.length
  })
}
