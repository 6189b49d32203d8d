import type { Sql } from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../../src/reads/catalogue.ts'
import {
  all,
  among,
  any,
  atJsonPaths,
  type Condition,
  compared,
  contains,
  equal,
  foundBy,
  hasElement,
  hasText,
  lists,
  missing,
  related,
  type Value,
} from '../../../src/reads/condition.ts'
import { conditionSql, type Order, orderSql } from '../../../src/reads/conditionSql.ts'
import { beyond, type Direction, orderOf, type SortField } from '../../../src/reads/keyset.ts'

// The SQL that each condition becomes, and the values that it carries. Conditions of one shape have one text, whatever
// their values, so that statements can be prepared once.

/** A line for each condition: its name, its text, its values. */
function written(conditions: Record<string, Condition>): string {
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

const STATUS: Column = { field: 'status', kind: 'enum' }
const COST: Column = { field: 'costUsd', kind: 'decimal', nullable: true }
const NAME: Column = { field: 'name', kind: 'text' }
const TAGS: Column = { field: 'tags', kind: 'texts' }
const isError = equal(STATUS, 'error')

describe('a condition on a column', () => {
  it('has one text for each operator, with the values of an enum and booleans in it', () => {
    expect(
      written({
        'a value': equal(NAME, 'error'),
        'of an enum': isError,
        'of an enum, as no enum has it': equal(STATUS, "a' or true"),
        'a boolean': equal({ field: 'superseded', kind: 'boolean' }, false),
        'a time': compared({ field: 'executionTime', kind: 'time' }, '<', TIME),
        missing: missing(COST),
        'not missing': missing(COST, false),
        among: among(NAME, ['error', 'timeout']),
        'among those of an enum': among(STATUS, ['error', 'timeout', 'error']),
        'among none': among(STATUS, []),
        less: compared(COST, '<', 1),
        'less or equal': compared(COST, '<=', 1),
        more: compared(COST, '>', 1),
        'more or equal': compared(COST, '>=', 1),
        contains: contains(NAME, '50%_\\'),
        'some of': lists(TAGS, 'some', ['a', 'b']),
        'every one of': lists(TAGS, 'every', ['a', 'b']),
      }),
    ).toMatchInlineSnapshot(`
      "a value: c.name = $1 ["error"]
      of an enum: c.status = 'error' []
      of an enum, as no enum has it: c.status = $1 ["a' or true"]
      a boolean: c.superseded = false []
      a time: c.execution_time < $1 ["2026-01-02T03:04:05.000Z"]
      missing: c.cost_usd is null []
      not missing: c.cost_usd is not null []
      among: c.name = any ($1) [["error","timeout"]]
      among those of an enum: c.status in ('error', 'timeout') []
      among none: c.status = any ($1) [[]]
      less: c.cost_usd < $1 [1]
      less or equal: c.cost_usd <= $1 [1]
      more: c.cost_usd > $1 [1]
      more or equal: c.cost_usd >= $1 [1]
      contains: c.name ilike $1 ["%50\\\\%\\\\_\\\\\\\\%"]
      some of: c.tags && $1 [["a","b"]]
      every one of: c.tags @> $1 [["a","b"]]"
    `)
  })

  it.each(['name; drop table', 'name"', 'na-me', '', 'é'])('has none for %j, which is no field', (field) => {
    expect(() => conditionSql(equal({ field, kind: 'text' }, 1), 'c')).toThrow(
      `${JSON.stringify(`c.${field}`)} is no name in SQL`,
    )
  })
})

it('conditions stand together with their values in the order of the text', () => {
  expect(
    written({
      'all of none': all(),
      'all of one': all(isError),
      all: all(isError, compared(COST, '>', 1)),
      'any of none': any(),
      any: any(isError, equal(COST, 1)),
      'one in the other': all(
        isError,
        any(compared(COST, '>', 1), all(missing(COST), contains(NAME, 'a'))),
        any(lists(TAGS, 'some', ['b']), all()),
        equal({ field: 'retryCount', kind: 'integer' }, 2),
      ),
    }),
  ).toMatchInlineSnapshot(`
    "all of none: true []
    all of one: c.status = 'error' []
    all: (c.status = 'error' and c.cost_usd > $1) [1]
    any of none: false []
    any: (c.status = 'error' or c.cost_usd = $1) [1]
    one in the other: (c.status = 'error' and (c.cost_usd > $1 or (c.cost_usd is null and c.name ilike $2)) and (c.tags && $3 or true) and c.retry_count = $4) [1,"%a%",["b"],2]"
  `)
})

it('conditions on what a row belongs to look it up by its key, once', () => {
  const priority = equal({ field: 'priority', kind: 'integer' }, 1)
  const ofConfiguration = related('configVersion', equal({ field: 'configId', kind: 'uuid' }, 'a'))
  expect(
    written({
      'one key': related('simulation', isError),
      'two keys': related('outcome', equal({ field: 'scenarioId', kind: 'text' }, 'refund')),
      'several conditions': all(
        related('simulation', priority),
        isError,
        related('simulation', ofConfiguration),
        related('scenario', lists(TAGS, 'some', ['a'])),
      ),
      'held by few': all(
        related('simulation', among({ field: 'configVersionId', kind: 'uuid' }, ['a']), true),
        isError,
      ),
    }),
  ).toMatchInlineSnapshot(`
    "one key: exists (select from simulations c_simulation where c_simulation.simulation_id = c.simulation_id and c_simulation.status = 'error') []
    two keys: exists (select from outcomes c_outcome where c_outcome.outcome_id = c.outcome_id and c_outcome.execution_time = c.execution_time and c_outcome.scenario_id = $1) ["refund"]
    several conditions: (c.status = 'error' and exists (select from simulations c_simulation where c_simulation.simulation_id = c.simulation_id and (c_simulation.priority = $1 and exists (select from config_versions c_simulation_config_version where c_simulation_config_version.version_id = c_simulation.config_version_id and c_simulation_config_version.config_id = $2))) and exists (select from scenarios c_scenario where c_scenario.scenario_id = c.scenario_id and c_scenario.tags && $3)) [1,"a",["a"]]
    held by few: (c.status = 'error' and exists (select from simulations c_simulation where c_simulation.simulation_id = c.simulation_id and c_simulation.config_version_id = any ($1))) [["a"]]"
  `)
})

it('conditions in words of their own', () => {
  const at = (condition: Omit<Parameters<typeof atJsonPaths>[1][number], 'path'>) =>
    atJsonPaths({ field: 'metadata', kind: 'json' }, [{ path: ['a', '0'], ...condition }])
  const errorTypes: Column = { field: 'errorTypes', kind: 'texts' }
  expect(
    written({
      search: foundBy({ field: 'scenarioId', kind: 'text' }, 'search_scenarios', 'refund'),
      'a text of any length': hasText(NAME, '50%'),
      'an element': hasElement(errorTypes, '50%'),
      'an element among some': hasElement(errorTypes, 'time', ['timeout']),
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
    a text of any length: c.name ~* $1 ["***=50%"]
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
  const BY_COST: SortField[] = [{ field: 'costUsd', kind: 'decimal', nullable: true }, ...KEYS]

  /** Both directions, from both ends: each page's order, and the condition of the next one. */
  function pages(sort: SortField[], values: (Value | null)[]): string {
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
      beyond: (c.execution_time >= $1 and (c.execution_time, c.outcome_id) > ($2, $3)) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      asc from the end: c.execution_time desc, c.outcome_id desc []
      beyond: (c.execution_time <= $1 and (c.execution_time, c.outcome_id) < ($2, $3)) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      desc: c.execution_time desc, c.outcome_id desc []
      beyond: (c.execution_time <= $1 and (c.execution_time, c.outcome_id) < ($2, $3)) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]
      desc from the end: c.execution_time asc, c.outcome_id asc []
      beyond: (c.execution_time >= $1 and (c.execution_time, c.outcome_id) > ($2, $3)) ["2026-01-02T03:04:05.000Z","2026-01-02T03:04:05.000Z","a"]"
    `)
  })

  it('by a field that may be null', () => {
    expect(pages(BY_COST, ['1.5', TIME, 'a'])).toMatchInlineSnapshot(`
      "asc: c.cost_usd asc nulls last, c.execution_time asc, c.outcome_id asc []
      beyond: (c.cost_usd > $1 or (c.cost_usd = $2 and (c.execution_time, c.outcome_id) > ($3, $4)) or c.cost_usd is null) ["1.5","1.5","2026-01-02T03:04:05.000Z","a"]
      asc from the end: c.cost_usd desc nulls first, c.execution_time desc, c.outcome_id desc []
      beyond: (c.cost_usd < $1 or (c.cost_usd = $2 and (c.execution_time, c.outcome_id) < ($3, $4))) ["1.5","1.5","2026-01-02T03:04:05.000Z","a"]
      desc: c.cost_usd desc nulls last, c.execution_time desc, c.outcome_id desc []
      beyond: (c.cost_usd < $1 or (c.cost_usd = $2 and (c.execution_time, c.outcome_id) < ($3, $4)) or c.cost_usd is null) ["1.5","1.5","2026-01-02T03:04:05.000Z","a"]
      desc from the end: c.cost_usd asc nulls first, c.execution_time asc, c.outcome_id asc []
      beyond: (c.cost_usd > $1 or (c.cost_usd = $2 and (c.execution_time, c.outcome_id) > ($3, $4))) ["1.5","1.5","2026-01-02T03:04:05.000Z","a"]"
    `)
  })

  it('by a field that is null', () => {
    expect(pages(BY_COST, [null, TIME, 'a'])).toMatchInlineSnapshot(`
      "asc: c.cost_usd asc nulls last, c.execution_time asc, c.outcome_id asc []
      beyond: (c.cost_usd is null and (c.execution_time, c.outcome_id) > ($1, $2)) ["2026-01-02T03:04:05.000Z","a"]
      asc from the end: c.cost_usd desc nulls first, c.execution_time desc, c.outcome_id desc []
      beyond: (c.cost_usd is not null or (c.cost_usd is null and (c.execution_time, c.outcome_id) < ($1, $2))) ["2026-01-02T03:04:05.000Z","a"]
      desc: c.cost_usd desc nulls last, c.execution_time desc, c.outcome_id desc []
      beyond: (c.cost_usd is null and (c.execution_time, c.outcome_id) < ($1, $2)) ["2026-01-02T03:04:05.000Z","a"]
      desc from the end: c.cost_usd asc nulls first, c.execution_time asc, c.outcome_id asc []
      beyond: (c.cost_usd is not null or (c.cost_usd is null and (c.execution_time, c.outcome_id) > ($1, $2))) ["2026-01-02T03:04:05.000Z","a"]"
    `)
  })
})
