import type pg from 'pg'

interface Routine {
  signature: string
  definition: string
  grants: string[]
}

const HEAD = `-- Written by \`vitest run -u --project database test/database/engineChange.test.ts\`: what a database that was made on plain PostgreSQL has
-- otherwise than one with TimescaleDB, but for its tables of outcomes. \`arc migrate --engine\` runs it.
set local check_function_bodies = off;
`

/** The functions of a database with TimescaleDB that one without does not have, or has otherwise, and what to drop: as a script. */
export async function engineDifference(plain: pg.ClientBase, timescale: pg.ClientBase): Promise<string> {
  const [before, after] = [await routinesOf(plain), await routinesOf(timescale)]
  const made = [...after].filter(
    ([signature, routine]) => JSON.stringify(routine) !== JSON.stringify(before.get(signature)),
  )
  const dropped = [...before.keys()].filter((signature) => !after.has(signature))
  return [
    HEAD,
    ...made.flatMap(([signature, { definition, grants }]) => [
      `${definition.trimEnd()};`,
      ...(grants.length > 0 ? [`revoke all on routine ${signature} from public;`, ...grants] : []),
      '',
    ]),
    ...dropped.map((signature) => `drop routine ${signature};`),
    '',
  ].join('\n')
}

async function routinesOf(client: pg.ClientBase): Promise<Map<string, Routine>> {
  await client.query('set search_path = pg_catalog, pg_temp')
  const { rows } = await client.query<Routine>(`
    select p.oid::regprocedure::text as signature, pg_get_functiondef(p.oid) as definition,
      array(
        select format('grant execute on routine %s to %s;', p.oid::regprocedure, coalesce(nullif(x.grantee, 0)::regrole::text, 'public'))
        from aclexplode(p.proacl) x order by x.grantee <> p.proowner, x.grantee::regrole::text) as grants
    from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'store'::regnamespace, 'analytics'::regnamespace)
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    order by 1`)
  return new Map(rows.map((routine) => [routine.signature, routine]))
}
