import type { Sql } from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import { atJsonPaths, foundBy, HeldByFew, hasElement, type Where } from '../../../src/reads/condition.ts'
import { conditionSql, type Order, orderSql } from '../../../src/reads/conditionSql.ts'
import { beyond, type Direction, orderOf, type SortField } from '../../../src/reads/keyset.ts'

// The SQL that each condition becomes, and the values that it carries. Conditions of one shape have one text, whatever
// their values, so that statements can be prepared once.

/** A line for each condition: its name, its text, its values. */
function written(conditions: Record<string, Where>): string {
  return lines(conditions, (where) => conditionSql(where, 'c'))
}

function lines<Part>(parts: Record<string, Part>, write: (part: Part) => Sql): string {
  return Object.entries(parts)
    .map(([name, part]) => {
      const { text, values } = write(part)
      return `${name}: ${text} ${JSON.stringify(values)}`
    })
    .join('\n')
}

const TIME = new Date('2026-01-02T03:04:05Z')

describe('a condition on a field', () => {
  it('has one text for each operator', () => {
    expect(
      written({
        'a value': { status: 'error' },
        'a time': { executionTime: TIME },
        null: { errorCode: null },
        equals: { status: { equals: 'error' } },
        'equals null': { errorCode: { equals: null } },
        not: { status: { not: 'error' } },
        'not null': { errorCode: { not: null } },
        in: { status: { in: ['error', 'timeout'] } },
        'in none': { status: { in: [] } },
        lt: { costUsd: { lt: 1 } },
        lte: { costUsd: { lte: 1 } },
        gt: { costUsd: { gt: 1 } },
        gte: { costUsd: { gte: 1 } },
        contains: { name: { contains: '50\\%' } },
        'contains, whatever the case': { name: { contains: 'Refund', mode: 'insensitive' } },
        hasSome: { tags: { hasSome: ['a', 'b'] } },
        hasEvery: { tags: { hasEvery: ['a', 'b'] } },
        'several at once': { costUsd: { gte: 1, lt: 2, not: null } },
        'what is not given': { costUsd: { gte: undefined, lt: 2 }, status: undefined },
        'no operator': { costUsd: {} },
      }),
    ).toMatchInlineSnapshot(`
      "a value: c.status = 'error' []
      a time: c.execution_time = $1 ["2026-01-02T03:04:05.000Z"]
      null: c.error_code is null []
      equals: (c.status = 'error') []
      equals null: (c.error_code is null) []
      not: (c.status is distinct from 'error') []
      not null: (c.error_code is not null) []
      in: (c.status in ('error', 'timeout')) []
      in none: (c.status = any ($1)) [[]]
      lt: (c.cost_usd < $1) [1]
      lte: (c.cost_usd <= $1) [1]
      gt: (c.cost_usd > $1) [1]
      gte: (c.cost_usd >= $1) [1]
      contains: (c.name like $1) ["%50\\\\%%"]
      contains, whatever the case: (c.name ilike $1) ["%Refund%"]
      hasSome: (c.tags && $1) [["a","b"]]
      hasEvery: (c.tags @> $1) [["a","b"]]
      several at once: (c.cost_usd >= $1 and c.cost_usd < $2 and c.cost_usd is not null) [1,2]
      what is not given: (c.cost_usd < $1) [2]
      no operator: true []"
    `)
  })

  it('has no text for another operator', () => {
    expect(() => conditionSql({ name: { startsWith: 'a' } }, 'c')).toThrow(
      'the filter operator startsWith has no SQL',
    )
  })

  it.each(['name; drop table', 'name"', 'na-me', '', 'é'])('has none for %j, which is no field', (field) => {
    expect(() => conditionSql({ [field]: 1 }, 'c')).toThrow(
      `${JSON.stringify(`c.${field}`)} is no name in SQL`,
    )
  })
})

it('conditions stand together with their values in the order of the text', () => {
  expect(
    written({
      none: {},
      'two fields': { status: 'error', costUsd: { gt: 1 } },
      AND: { AND: [{ status: 'error' }, { costUsd: 1 }] },
      'AND of one': { AND: { status: 'error' } },
      'AND of none': { AND: [] },
      OR: { OR: [{ status: 'error' }, { costUsd: 1 }] },
      'OR of none': { OR: [] },
      'one in the other': {
        status: 'error',
        AND: [
          { OR: [{ costUsd: { gt: 1 } }, { AND: [{ costUsd: null }, { name: { contains: 'a' } }] }] },
          { OR: [{ tags: { hasSome: ['b'] } }, {}] },
        ],
        retryCount: 2,
      },
    }),
  ).toMatchInlineSnapshot(`
    "none: true []
    two fields: c.status = 'error' and (c.cost_usd > $1) [1]
    AND: (c.status = 'error' and c.cost_usd = $1) [1]
    AND of one: (c.status = 'error') []
    AND of none: true []
    OR: (c.status = 'error' or c.cost_usd = $1) [1]
    OR of none: false []
    one in the other: c.status = 'error' and (((c.cost_usd > $1) or (c.cost_usd is null and (c.name like $2))) and ((c.tags && $3) or true)) and c.retry_count = $4 [1,"%a%",["b"],2]"
  `)
})

it('conditions on what a row belongs to look it up by its key', () => {
  expect(
    written({
      'one key': { simulation: { is: { status: 'running' } } },
      'two keys': { outcome: { is: { scenarioId: { equals: 'refund' } } } },
      'two relations': {
        status: 'error',
        simulation: { is: { priority: 1, configVersion: { is: { configId: 'a' } } } },
      },
      'held by few': { simulation: new HeldByFew({ configVersionId: { in: ['a'] } }), status: 'error' },
    }),
  ).toMatchInlineSnapshot(`
    "one key: exists (select from simulations c_simulation where c_simulation.simulation_id = c.simulation_id and c_simulation.status = 'running') []
    two keys: exists (select from outcomes c_outcome where c_outcome.outcome_id = c.outcome_id and c_outcome.execution_time = c.execution_time and (c_outcome.scenario_id = $1)) ["refund"]
    two relations: c.status = 'error' and exists (select from simulations c_simulation where c_simulation.simulation_id = c.simulation_id and c_simulation.priority = $1 and exists (select from config_versions c_simulation_config_version where c_simulation_config_version.version_id = c_simulation.config_version_id and c_simulation_config_version.config_id = $2)) [1,"a"]
    held by few: exists (select from simulations c_simulation where c_simulation.simulation_id = c.simulation_id and (c_simulation.config_version_id = any ($1))) and c.status = 'error' [["a"]]"
  `)
})

it('conditions that Prisma has no words for', () => {
  const at = (condition: Omit<Parameters<typeof atJsonPaths>[0][number], 'path'>) => ({
    metadata: atJsonPaths([{ path: ['a', '0'], ...condition }]),
  })
  expect(
    written({
      search: { scenarioId: foundBy('search_scenarios', 'refund') },
      'an element': { errorTypes: hasElement('50%') },
      'an element among some': { errorTypes: hasElement('time', ['timeout']) },
      'a place of a JSON tree': at({}),
      exists: at({ exists: true }),
      'does not exist': at({ exists: false }),
      eq: at({ eq: '{"b": 1}' }),
      in: at({ in: ['1', 'null'] }),
      contains: at({ contains: 'b' }),
      bounds: at({ gte: 1, gt: 2, lte: 3, lt: 4 }),
      'all of it': at({ exists: true, eq: '"b"', contains: 'b', gt: 1 }),
    }),
  ).toMatchInlineSnapshot(`
    "search: c.scenario_id in (select public.search_scenarios($1)) ["refund"]
    an element: exists (select from unnest(c.error_types) element where element ilike $1) ["%50\\\\%%"]
    an element among some: exists (select from unnest(c.error_types) element where element ilike $1 and element = any ($2)) ["%time%",["timeout"]]
    a place of a JSON tree: exists (select from (select c.metadata || '{}'::jsonb as tree offset 0) unpacked where (tree #> $1::text[]) is not null) [["a","0"]]
    exists: exists (select from (select c.metadata || '{}'::jsonb as tree offset 0) unpacked where ((tree #> $1::text[]) is not null) is true) [["a","0"]]
    does not exist: exists (select from (select c.metadata || '{}'::jsonb as tree offset 0) unpacked where ((tree #> $1::text[]) is null) is true) [["a","0"]]
    eq: exists (select from (select c.metadata || '{}'::jsonb as tree offset 0) unpacked where ((tree #> $1::text[]) = $2::jsonb) is true) [["a","0"],"{\\"b\\": 1}"]
    in: exists (select from (select c.metadata || '{}'::jsonb as tree offset 0) unpacked where ((tree #> $1::text[]) = any ($2::jsonb[])) is true) [["a","0"],["1","null"]]
    contains: exists (select from (select c.metadata || '{}'::jsonb as tree offset 0) unpacked where (jsonb_typeof(tree #> $1::text[]) = 'string' and (tree #>> $2::text[]) ~* $3) is true) [["a","0"],["a","0"],"***=b"]
    bounds: exists (select from (select c.metadata || '{}'::jsonb as tree offset 0) unpacked where (case jsonb_typeof(tree #> $1::text[]) when 'number' then (tree #>> $2::text[])::numeric >= $3::numeric end and case jsonb_typeof(tree #> $4::text[]) when 'number' then (tree #>> $5::text[])::numeric > $6::numeric end and case jsonb_typeof(tree #> $7::text[]) when 'number' then (tree #>> $8::text[])::numeric <= $9::numeric end and case jsonb_typeof(tree #> $10::text[]) when 'number' then (tree #>> $11::text[])::numeric < $12::numeric end) is true) [["a","0"],["a","0"],1,["a","0"],["a","0"],2,["a","0"],["a","0"],3,["a","0"],["a","0"],4]
    all of it: exists (select from (select c.metadata || '{}'::jsonb as tree offset 0) unpacked where ((tree #> $1::text[]) is not null and (tree #> $2::text[]) = $3::jsonb and jsonb_typeof(tree #> $4::text[]) = 'string' and (tree #>> $5::text[]) ~* $6 and case jsonb_typeof(tree #> $7::text[]) when 'number' then (tree #>> $8::text[])::numeric > $9::numeric end) is true) [["a","0"],["a","0"],"\\"b\\"",["a","0"],["a","0"],"***=b",["a","0"],["a","0"],1]"
  `)
})

it('an order names its fields, and where nulls stand', () => {
  expect(
    lines<Order[]>(
      {
        'one field': [{ field: 'createdAt', direction: 'desc' }],
        'nulls first': [{ field: 'costUsd', direction: 'asc', nulls: 'first' }],
        'two fields': [
          { field: 'costUsd', direction: 'desc', nulls: 'last' },
          { field: 'outcomeId', direction: 'asc' },
        ],
      },
      orderSql,
    ),
  ).toMatchInlineSnapshot(`
    "one field: c.created_at desc []
    nulls first: c.cost_usd asc nulls first []
    two fields: c.cost_usd desc nulls last, c.outcome_id asc []"
  `)
})

describe('the rows beyond a place', () => {
  const KEYS: SortField[] = [
    { field: 'executionTime', kind: 'time' },
    { field: 'outcomeId', kind: 'uuid' },
  ]
  const COST: SortField[] = [{ field: 'costUsd', kind: 'decimal', nullable: true }, ...KEYS]

  /** Both directions, from both ends: each page's order, and the condition of the next one. */
  function pages(sort: SortField[], values: unknown[]): string {
    const ways: [direction: Direction, fromEnd: boolean][] = [
      ['asc', false],
      ['asc', true],
      ['desc', false],
      ['desc', true],
    ]
    return ways
      .map(([direction, fromEnd]) =>
        lines(
          {
            [`${direction}${fromEnd ? ' from the end' : ''}`]: orderSql(orderOf(sort, direction, fromEnd)),
            beyond: conditionSql(beyond(sort, direction, fromEnd, values), 'c'),
          },
          (fragment) => fragment,
        ),
      )
      .join('\n')
  }

  it('by its keys', () => {
    expect(pages(KEYS, [TIME, 'a'])).toMatchInlineSnapshot(`
      "asc: c.execution_time asc, c.outcome_id asc []
      beyond: ((c.execution_time >= $1) and (((c.execution_time > $2)) or ((c.execution_time = $3) and (c.outcome_id > $4)))) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      asc from the end: c.execution_time desc, c.outcome_id desc []
      beyond: ((c.execution_time <= $1) and (((c.execution_time < $2)) or ((c.execution_time = $3) and (c.outcome_id < $4)))) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      desc: c.execution_time desc, c.outcome_id desc []
      beyond: ((c.execution_time <= $1) and (((c.execution_time < $2)) or ((c.execution_time = $3) and (c.outcome_id < $4)))) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      desc from the end: c.execution_time asc, c.outcome_id asc []
      beyond: ((c.execution_time >= $1) and (((c.execution_time > $2)) or ((c.execution_time = $3) and (c.outcome_id > $4)))) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]"
    `)
  })

  it('by a field that may be null', () => {
    expect(pages(COST, ['1.5', TIME, 'a'])).toMatchInlineSnapshot(`
      "asc: c.cost_usd asc nulls last, c.execution_time asc, c.outcome_id asc []
      beyond: ((c.cost_usd > $1) or ((c.cost_usd = $2) and (((c.execution_time > $3)) or ((c.execution_time = $4) and (c.outcome_id > $5)))) or c.cost_usd is null) ["1.5","1.5","2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      asc from the end: c.cost_usd desc nulls first, c.execution_time desc, c.outcome_id desc []
      beyond: ((c.cost_usd < $1) or ((c.cost_usd = $2) and (((c.execution_time < $3)) or ((c.execution_time = $4) and (c.outcome_id < $5))))) ["1.5","1.5","2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      desc: c.cost_usd desc nulls last, c.execution_time desc, c.outcome_id desc []
      beyond: ((c.cost_usd < $1) or ((c.cost_usd = $2) and (((c.execution_time < $3)) or ((c.execution_time = $4) and (c.outcome_id < $5)))) or c.cost_usd is null) ["1.5","1.5","2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      desc from the end: c.cost_usd asc nulls first, c.execution_time asc, c.outcome_id asc []
      beyond: ((c.cost_usd > $1) or ((c.cost_usd = $2) and (((c.execution_time > $3)) or ((c.execution_time = $4) and (c.outcome_id > $5))))) ["1.5","1.5","2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]"
    `)
  })

  it('by a field that is null', () => {
    expect(pages(COST, [null, TIME, 'a'])).toMatchInlineSnapshot(`
      "asc: c.cost_usd asc nulls last, c.execution_time asc, c.outcome_id asc []
      beyond: (c.cost_usd is null and (((c.execution_time > $1)) or ((c.execution_time = $2) and (c.outcome_id > $3)))) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      asc from the end: c.cost_usd desc nulls first, c.execution_time desc, c.outcome_id desc []
      beyond: ((c.cost_usd is not null) or (c.cost_usd is null and (((c.execution_time < $1)) or ((c.execution_time = $2) and (c.outcome_id < $3))))) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      desc: c.cost_usd desc nulls last, c.execution_time desc, c.outcome_id desc []
      beyond: (c.cost_usd is null and (((c.execution_time < $1)) or ((c.execution_time = $2) and (c.outcome_id < $3)))) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      desc from the end: c.cost_usd asc nulls first, c.execution_time asc, c.outcome_id asc []
      beyond: ((c.cost_usd is not null) or (c.cost_usd is null and (((c.execution_time > $1)) or ((c.execution_time = $2) and (c.outcome_id > $3))))) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]"
    `)
  })
})
