import { randomUUID } from 'node:crypto'
import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql'
import { expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { useArc } from '../support/arc.ts'
import { everyConnection, wayTo } from '../support/everyConnection.ts'
import { ManyRows } from '../support/manyRows.ts'
import { recordStatements } from '../support/recordedStatements.ts'
import { WAYS, WHOLE_LIST } from '../support/sums.ts'

// The views over the store are no barriers, so a condition may be evaluated on rows of others before the tenant's filter
// drops them (docs/decisions/0011; test/tenancy/flatViews.test.ts).

const arc = useArc({ ARC_MAX_COST: '1000000000', ARC_MAX_ALIASES: '1000', ARC_MAX_BREADTH: '1000' })

const triedTypes = new Set<string>()

/** Sets of conditions for a filter's field: each of its operators with each value, for further fields of the type with three. */
function conditionsOn(type: GraphQLInputType): unknown[] {
  const named = getNamedType(type)
  if (named.name === 'JsonPathFilter')
    return JSON_CONDITIONS.map((condition) => [{ path: ['k'], ...condition }])
  const most = triedTypes.has(named.name) ? 3 : Number.POSITIVE_INFINITY
  triedTypes.add(named.name)
  if (!isInputObjectType(named)) return valuesOf(named).slice(0, most)
  return Object.values(named.getFields()).flatMap((operator) =>
    valuesOf(operator.type)
      .slice(0, most)
      .map((value) => ({ [operator.name]: value })),
  )
}

/** Of the type, those that look most as if something could go wrong. */
function valuesOf(type: GraphQLInputType): unknown[] {
  if (isNonNullType(type)) return valuesOf(type.ofType)
  if (isListType(type)) return [[], valuesOf(type.ofType)]
  if (isEnumType(type)) return type.getValues().map(({ name }) => name)
  return VALUES[getNamedType(type).name]!
}

const TEXTS = ['a', '%\\', '', '_', '%', '\\', '(', '*', '"', "'", '1', 'null', 'e\u0301', '👩‍👩‍👧']
const NUMBERS = [1.5, 1e300, 0, -1, -1e300, 5e-324, 2 ** 31, 2 ** 63]
const VALUES: Record<string, unknown[]> = {
  String: TEXTS,
  Boolean: [true, false],
  Float: NUMBERS,
  UUID: [randomUUID(), '00000000-0000-0000-0000-000000000000'],
  DateTime: ['0001-01-01T00:00:00Z', '2026-01-15T12:00:00.000Z', '9999-12-31T23:59:59.999Z'],
}
const JSON_VALUES = [null, true, 0, 1.5, 'a', '1', [], [1], {}, { a: 1 }]
const JSON_CONDITIONS: object[] = [
  {},
  { exists: true },
  { exists: false },
  ...JSON_VALUES.map((eq) => ({ eq })),
  { in: JSON_VALUES },
  ...TEXTS.map((contains) => ({ contains })),
  ...NUMBERS.flatMap((number) => [{ gte: number }, { gt: number }, { lte: number }, { lt: number }]),
  { gte: 0, contains: '1' },
]

/** Rows that a condition could fail on, in every tree that a client fills: kinds of JSON at the place that is asked for. */
const HOSTILE_TREES = [
  '{"k": "text"}',
  '{"k": "1"}',
  '{"k": "NaN"}',
  '{"k": 1e308}',
  `{"k": ${'9'.repeat(400)}}`,
  `{"k": 0.${'0'.repeat(400)}1}`,
  '{"k": true}',
  '{"k": null}',
  '{"k": []}',
  '{"k": [1, "a"]}',
  '{"k": {"k": {}}}',
  '{"": ""}',
  '{}',
]

it('a condition of any filter, at the root and below a parent, fails on no row of any tenant', async () => {
  const rows = new ManyRows(arc)
  await rows.fill()
  const { tenant } = rows
  // Of each type of rows: all of them, and those below one type of parents. A count has the list's conditions, and no LIMIT
  // that would spare a row.
  const lists = new Map(everyConnection().map((list) => [`${list.node} ${list.parent === 'Query'}`, list]))
  const statements = await recordStatements(async () => {
    for (const { parent, field, node } of lists.values()) {
      const ids = parent === 'Query' || WAYS[parent] ? undefined : await idsOf(parent)
      const way = await wayTo(tenant, parent)
      for (const { name, type } of Object.values(filterOf(node).getFields())) {
        const filters = conditionsOn(type).map((conditions) => ({
          ...WHOLE_LIST[field],
          [name]: conditions,
        }))
        const counts = filters.map((_, n) => `c${n}: ${field}(filter: $f${n}) { totalCount }`).join(' ')
        const variables = filters.map((_, n) => `$f${n}: ${node}Filter`).join(', ')
        const { errors } = await tenant.ask(
          ids
            ? `query ($ids: [ID!]!, ${variables}) { nodes(ids: $ids) { ... on ${parent} { ${counts} } } }`
            : `query (${variables}) { ${way(counts)} }`,
          { ...(ids ? { ids } : {}), ...Object.fromEntries(filters.map((filter, n) => [`f${n}`, filter])) },
        )
        expect(errors, `${parent}.${field} by ${name}`).toBeUndefined()
      }
    }
  })
  const conditional = statements.filter(({ text }) => /count/i.test(text))
  expect(conditional.length).toBeGreaterThan(1_000)

  async function idsOf(type: string): Promise<string[]> {
    const { field } = [...lists.values()].find(({ parent, node }) => parent === 'Query' && node === type)!
    const { nodes } = (await tenant.data(`{ ${field}(first: 2) { nodes { id } } }`))[field]
    return nodes.map(({ id }: { id: string }) => id)
  }

  await arc.sql('admin', async (client) => {
    // As the superuser, whom no policy binds, through views without their filter: every condition meets every row.
    await client.query('begin')
    try {
      await client.query(`select set_config('search_path', 'public, pg_temp', true)`)
      await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
      await insertHostileRows(client)
      for (const view of [
        'outcomes',
        'outcome_keys',
        'outcome_hours',
        'outcome_days',
        'tenant_hours',
        'tenant_days',
        'tenant_scenario_days',
      ]) {
        const { rows: columns } = await client.query<{ list: string }>(
          `select string_agg(quote_ident(attname), ', ' order by attnum) as list
            from pg_attribute where attrelid = $1::regclass and attnum > 0`,
          [`public.${view}`],
        )
        await client.query(
          `create or replace view public.${view} as select ${columns[0]!.list} from store.${view}`,
        )
      }
      const seen = new Set<string>()
      for (const { text, values } of conditional) {
        const call = JSON.stringify([text, values])
        if (seen.has(call)) continue
        seen.add(call)
        await client.query('savepoint condition')
        try {
          await client.query(text, values)
        } catch (error) {
          expect.fail(`${(error as Error).message}: ${text} ${JSON.stringify(values)}`)
        }
        await client.query('release condition')
      }
    } finally {
      await client.query('rollback')
    }
  })
}, 300_000)

const filterOf = (node: string) => schema.getType(`${node}Filter`) as GraphQLInputObjectType

async function insertHostileRows(client: { query(statement: string, values?: unknown[]): Promise<unknown> }) {
  const stranger = randomUUID()
  await client.query('set local session_replication_role = replica')
  await client.query(
    `insert into simulations (user_id, config_version_id, scenario_set, total_scenarios, simulation_name, metadata)
    select $1, uuid_v7(), '{a}', 1, left(tree, 200), tree::jsonb from unnest($2::text[]) tree`,
    [stranger, HOSTILE_TREES],
  )
  await client.query(
    `insert into config_versions (user_id, config_id, version_number, raw_yaml, parsed_config, config_hash)
    select $1, uuid_v7(), place, 'x', tree::jsonb || '{"model": "%\\\\", "temperature": null}', repeat('0', 64)
    from unnest($2::text[]) with ordinality as hostile(tree, place)`,
    [stranger, HOSTILE_TREES],
  )
  await client.query(
    `insert into scenarios (user_id, scenario_id, name, task_prompt, content_hash, metadata, tags)
    select $1, 's' || place, left(tree, 200), tree, repeat('0', 64), tree::jsonb, array[tree, '', '%\\']
    from unnest($2::text[]) with ordinality as hostile(tree, place)`,
    [stranger, HOSTILE_TREES],
  )
  await client.query(
    `insert into store.outcomes (user_id, outcome_id, simulation_id, config_version_id, scenario_id, execution_time, status,
      error_code, model, event_seq, metrics)
    select $1, uuid_v7(), uuid_v7(), uuid_v7(), '', now(), 'error', tree, tree, 1, tree::jsonb
    from unnest($2::text[]) tree`,
    [stranger, HOSTILE_TREES],
  )
}
