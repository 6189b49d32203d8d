import type pg from 'pg'

/** Of store.settings: as a new database has it (migration 0058), since partitions had no use for the setting. */
export const CHUNK_DAYS = `case current_setting('timescaledb.license') when 'timescale' then chunk_days else 28 end`

/** Where the hypertables grow until they take the place of the tables that they are copies of; it has what is left to do as well. */
export const COPIES = 'arc_engine'

/** About as many rows are copied in one transaction, or those of an hour where they are more. */
const STEP_ROWS = 20_000

/** How many changes are carried over in one transaction. */
const CHANGES = 5_000

/** What Arc finds an outcome or its trajectory by. */
const KEY = ['user_id', 'outcome_id', 'execution_time'] as const

/** Older outcomes lie in as few chunks as there can be: store.prepare_outcome_storage. */
const HISTORY = `now() - interval '2 years'`

export interface CopiedTable {
  /** In schema store. */
  name: string
  /** What is to be copied, not what is generated. */
  columns: string[]
}

/** A time of a table of which the rows are copied in one transaction. */
interface CopyStep {
  name: string
  first: string
  last: string
  rows: number
  /** Whether its rows lie in the chunks of the history. */
  is_history: boolean
}

/** The tables that plain PostgreSQL has in partitions by time. */
export async function partitionedTables(client: pg.ClientBase): Promise<CopiedTable[]> {
  const { rows } = await client.query<CopiedTable>(`/* partitionedTables */
    select c.relname::text as name,
      array_agg(quote_ident(a.attname) order by a.attnum) filter (where a.attgenerated = '') as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'store'::regnamespace and c.relkind = 'p' group by 1 order by 1`)
  return rows
}

/** What the tables take on the disk, with indexes and TOAST. */
export async function bytesOf(client: pg.ClientBase, tables: CopiedTable[]): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `/* sizes */
    select coalesce(sum(pg_total_relation_size(p.relid)), 0) as bytes
    from unnest($1::text[]) name cross join lateral pg_partition_tree(format('store.%I', name)::regclass) p`,
    [tables.map(({ name }) => name)],
  )
  return Number(rows[0]!.bytes)
}

/**
 * Makes the empty hypertables, and triggers that note what changes in the tables from then on. In the caller's transaction, as the
 * tables' owner; the schema is there.
 */
export async function makeCopies(client: pg.ClientBase, tables: CopiedTable[]): Promise<void> {
  await client.query(`/* makeNotes */
    create table ${COPIES}.changes (
      id bigint generated always as identity primary key, name text not null,
      user_id uuid not null, outcome_id uuid not null, execution_time timestamptz not null);
    create table ${COPIES}.steps (
      name text not null, first timestamptz not null, last timestamptz not null, rows bigint not null,
      is_history boolean not null, is_copied boolean not null default false, primary key (name, first));
    create function ${COPIES}.note_change() returns trigger
      language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      if tg_op = 'DELETE' or tg_op = 'UPDATE'
        and (old.user_id, old.outcome_id, old.execution_time) is distinct from (new.user_id, new.outcome_id, new.execution_time)
      then
        insert into ${COPIES}.changes (name, user_id, outcome_id, execution_time)
          values (tg_argv[0], old.user_id, old.outcome_id, old.execution_time);
      end if;
      if tg_op <> 'DELETE' then
        insert into ${COPIES}.changes (name, user_id, outcome_id, execution_time)
          values (tg_argv[0], new.user_id, new.outcome_id, new.execution_time);
      end if;
      return null;
    end $$;
    revoke execute on function ${COPIES}.note_change() from public`)
  for (const table of tables) {
    const [name, original, copy] = namesOf(client, table)
    await client.query(`/* makeHypertable */
      create table ${copy} (like ${original} including all excluding indexes);
      select public.create_hypertable('${copy}', public.by_range('execution_time',
        (select make_interval(days => ${CHUNK_DAYS}) from store.settings)), create_default_indexes => false)`)
    const { rows } = await client.query<{ statement: string }>(
      `/* whatItHas */
      select replace(pg_get_indexdef(i.indexrelid), format(' ON ONLY %s ', $1::text), format(' ON %s ', $2::text)) as statement
      from pg_index i where i.indrelid = $1::text::regclass
      union all
      select format('grant %s on %s to %s', x.privilege_type, $2::text, coalesce(nullif(x.grantee, 0)::regrole::text, 'public'))
      from pg_class c cross join aclexplode(c.relacl) x where c.oid = $1::text::regclass and x.grantee <> c.relowner`,
      [original, copy],
    )
    for (const { statement } of rows) await client.query(statement)
    // A row makes a chunk. The one in which the history ends has to be there before the history: that is cut off there.
    const shifted = table.columns.map((column) => (column === 'execution_time' ? HISTORY : column))
    await client.query(`/* cutHistory */
      insert into ${copy} (${table.columns}) select ${shifted} from ${original} limit 1; delete from ${copy}`)
    await client.query(
      `/* noteChanges */ create trigger note_change after insert or update or delete on ${original}
      for each row execute function ${COPIES}.note_change(${client.escapeLiteral(name)}, ${client.escapeLiteral(`${table.columns}`)})`,
    )
  }
}

/** Cuts what is there into steps, unless that was done. Triggers note already what comes meanwhile. */
export async function planSteps(client: pg.ClientBase, tables: CopiedTable[]): Promise<void> {
  const { rowCount } = await client.query(`/* arePlanned */ select from ${COPIES}.steps limit 1`)
  if (rowCount !== 0) return
  for (const table of tables) {
    const [name, original] = namesOf(client, table)
    // One step begins where the one before has rows enough, and where the history ends, two months early: the chunk that cuts it off is
    // of the day on which the change of engine began.
    await client.query(
      `/* planSteps */
      with hours as (
        select date_trunc('hour', execution_time, 'UTC') as hour, count(*) as rows,
          date_trunc('hour', execution_time, 'UTC') < ${HISTORY} - interval '2 months' as is_history
        from ${original} group by 1
      ), numbered as (
        select h.*, div(sum(rows) over (partition by is_history order by hour) - rows, ${STEP_ROWS}) as number from hours h
      ), steps as (
        select min(hour) as first, sum(rows) as rows, is_history from numbered group by is_history, number
      )
      insert into ${COPIES}.steps (name, first, last, rows, is_history)
      select $1, case when lag(first) over by_time is null then '-infinity' else first end,
        coalesce(lead(first) over by_time, 'infinity'), rows, is_history
      from steps window by_time as (order by first)`,
      [name],
    )
  }
}

/** Copies one step, in the caller's transaction. @returns undefined when there is none left */
export async function copyStep(client: pg.ClientBase, tables: CopiedTable[]): Promise<CopyStep | undefined> {
  const { rows } = await client.query<CopyStep>(`/* takeStep */
    update ${COPIES}.steps set is_copied = true where (name, first) = (
      select s.name, s.first from ${COPIES}.steps s where not s.is_copied order by s.name, s.first limit 1)
    returning name, first::text, last::text, rows::float8, is_history`)
  const [step] = rows
  if (step === undefined) return undefined
  const table = tables.find(({ name }) => name === step.name)!
  const [, original, copy] = namesOf(client, table)
  const width = step.is_history ? `interval '100 years'` : `make_interval(days => ${CHUNK_DAYS})`
  await client.query(
    `/* widenChunks */ select public.set_chunk_time_interval('${copy}', ${width}) from store.settings`,
  )
  // Literals: the planner leaves out the partitions of other times.
  const [first, last] = [client.escapeLiteral(step.first), client.escapeLiteral(step.last)]
  await client.query(`/* copy */ insert into ${copy} (${table.columns}) select ${table.columns} from ${original}
    where execution_time >= ${first} and execution_time < ${last}`)
  return step
}

/**
 * Carries over what is left, and from then on whatever changes the tables changes their copies too, in its own transaction. In the
 * caller's transaction, as the tables' owner.
 *
 * So nothing is carried over when the copies take the tables' place: a statement that began to wait then sees in the copies
 * what it would have seen in the tables. Rows of the transaction that it waited for it would not see.
 */
export async function writeAlong(client: pg.ClientBase, tables: CopiedTable[]): Promise<void> {
  const originals = tables.map((table) => namesOf(client, table)[1])
  await client.query(`/* stopWriters */ lock table ${originals.join(', ')} in share row exclusive mode`)
  while ((await carryOver(client, tables)) > 0);
  await client.query(`/* writeAlong */
    create or replace function ${COPIES}.note_change() returns trigger
      language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      if tg_op <> 'INSERT' then
        execute format('delete from ${COPIES}.%I where user_id = $1 and outcome_id = $2 and execution_time = $3', tg_argv[0])
          using old.user_id, old.outcome_id, old.execution_time;
      end if;
      if tg_op <> 'DELETE' then
        execute format('insert into ${COPIES}.%1$I (%2$s) select %2$s from (select ($1).*) new', tg_argv[0], tg_argv[1]) using new;
      end if;
      return null;
    end $$`)
}

/** How many rows there are to copy, and how many of them are copied. */
export async function copiedRows(client: pg.ClientBase): Promise<{ rows: number; copied: number }> {
  const { rows } = await client.query<{ rows: number; copied: number }>(`/* copiedRows */
    select coalesce(sum(rows), 0)::float8 as rows, coalesce(sum(rows) filter (where is_copied), 0)::float8 as copied
    from ${COPIES}.steps`)
  return rows[0]!
}

/**
 * Carries over some of what was noted, once all steps are copied. In a transaction that sees one state (REPEATABLE READ), or
 * while nobody writes: what is noted and what the tables hold must be of the same moment.
 *
 * @returns how many changes those were
 */
export async function carryOver(
  client: pg.ClientBase,
  tables: CopiedTable[],
  most = CHANGES,
): Promise<number> {
  const { rows } = await client.query<{ last: string | null }>(
    `/* takeChanges */ select max(id) as last from (select id from ${COPIES}.changes order by id limit $1) c`,
    [most],
  )
  const { last } = rows[0]!
  if (last === null) return 0
  for (const table of tables) {
    const [name, original, copy] = namesOf(client, table)
    const changed = `(select distinct ${KEY} from ${COPIES}.changes where name = $1 and id <= $2)`
    await client.query(`/* takeBack */ delete from ${copy} t using ${changed} c where ${sameKey('t', 'c')}`, [
      name,
      last,
    ])
    await client.query(
      `/* copyChanged */ insert into ${copy} (${table.columns}) select ${table.columns.map((column) => `t.${column}`)}
      from ${original} t join ${changed} c on ${sameKey('t', 'c')}`,
      [name, last],
    )
  }
  const { rowCount } = await client.query(`/* carriedOver */ delete from ${COPIES}.changes where id <= $1`, [
    last,
  ])
  return rowCount!
}

/** The tables of which the copy has other rows. In a transaction that sees one state. */
export async function differingCopies(client: pg.ClientBase, tables: CopiedTable[]): Promise<string[]> {
  const differing: string[] = []
  for (const table of tables) {
    const [, original, copy] = namesOf(client, table)
    const sums = (from: string) =>
      `select count(*) as rows, sum(hash_record_extended(row(${table.columns}), 0)::numeric) as hash from ${from}`
    const { rows } = await client.query<{ differs: boolean }>(`/* compareCopy */
      select (o.rows, o.hash) is distinct from (c.rows, c.hash) as differs from (${sums(original)}) o, (${sums(copy)}) c`)
    if (rows[0]!.differs) differing.push(original)
  }
  return differing
}

function sameKey(one: string, other: string): string {
  return KEY.map((column) => `${one}.${column} = ${other}.${column}`).join(' and ')
}

/** Its name, its place, and that of its copy: all without a need for quotes, or with them. */
function namesOf(client: pg.ClientBase, { name }: CopiedTable): [string, string, string] {
  const quoted = client.escapeIdentifier(name).replace(/^"([a-z_]+)"$/, '$1')
  return [name, `store.${quoted}`, `${COPIES}.${quoted}`]
}
