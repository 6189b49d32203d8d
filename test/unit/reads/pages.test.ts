import sql from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import { computedPagesSql } from '../../../src/reads/computedPages.ts'
import { all, among, compared, contains, equal, related } from '../../../src/reads/condition.ts'
import { pageSql, parentPagesSql } from '../../../src/reads/storedPages.ts'

// Whole statements of pages. The parents' keys, which may be many, are sent once.

const STATUS = { field: 'status', kind: 'enum' } as const
const PAGE = {
  table: 'outcomes',
  keys: ['executionTime', 'outcomeId'],
  where: among(STATUS, ['error']),
  order: [
    { field: 'costUsd', direction: 'desc', nulls: 'last' },
    { field: 'outcomeId', direction: 'desc' },
  ],
  limit: 21,
} as const

describe('a page of all rows', () => {
  it('is cut from the table', () => {
    const { text, values } = pageSql(PAGE)
    expect(text).toMatchInlineSnapshot(`
      "/* page outcomes */ select c.execution_time as "executionTime", c.outcome_id as "outcomeId"
          from outcomes c
          where c.status in ('error')
          order by c.cost_usd desc nulls last, c.outcome_id desc
          limit $1::int"
    `)
    expect(values).toEqual([21])
  })

  it('that few others hold is cut from a page of each of these', () => {
    const held = related('simulation', equal({ field: 'configVersionId', kind: 'uuid' }, 'a'), true)
    const { text, values } = pageSql({ ...PAGE, where: all(PAGE.where, held) })
    expect(text).toMatchInlineSnapshot(`
      "/* page outcomes */ select c.execution_time as "executionTime", c.outcome_id as "outcomeId"
          from simulations t0 cross join lateral (
                select c.execution_time, c.outcome_id, c.cost_usd from outcomes c where t0.simulation_id = c.simulation_id and c.status in ('error') order by c.cost_usd desc nulls last, c.outcome_id desc limit $1::int
              ) c
          where t0.config_version_id = $2
          order by c.cost_usd desc nulls last, c.outcome_id desc
          limit $3::int"
    `)
    expect(values).toEqual([21, 'a', 21])
  })
})

describe('a page in steps of time', () => {
  const latest = {
    ...PAGE,
    order: [
      { field: 'executionTime', direction: 'desc' },
      { field: 'outcomeId', direction: 'desc' },
    ],
  } as const

  it('is a text in the statement, in which values are literals, whatever they have in them', () => {
    const where = all(PAGE.where, contains({ field: 'errorCode', kind: 'text' }, `100% '$1`))
    const { text, values } = pageSql({ ...latest, where }, true)
    expect(text).toMatchInlineSnapshot(`
      "/* page outcomes */ select c.execution_time as "executionTime", c.outcome_id as "outcomeId" from rows_by_time(null::outcomes, format('select c.*
          from outcomes c
          where (c.status in (''error'') and c.error_code ilike %L) and c.execution_time >= $1 and c.execution_time < $2
          order by c.execution_time desc, c.outcome_id desc
          limit $3', variadic array[$1::text]), '-infinity', 'infinity', $2::int, true) c order by c.execution_time desc, c.outcome_id desc limit $3::int"
    `)
    expect(values).toMatchInlineSnapshot(`
      [
        "%100\\% '$1%",
        21,
        21,
      ]
    `)
  })

  it('names the time of what it is of, and of its cursor', () => {
    const at = compared({ field: 'executionTime', kind: 'time' }, '<=', new Date(0))
    const query = { ...latest, where: all(at), parentField: 'simulationId', parentType: 'uuid' } as const
    const { text } = parentPagesSql(query, ['a'], true)
    expect(text).toMatchInlineSnapshot(`
      "/* parentPages outcomes */
          select p.parent, page.*
          from unnest($1::uuid[]) as p(parent)
          cross join lateral (select c.execution_time as "executionTime", c.outcome_id as "outcomeId" from rows_by_time(null::outcomes, format('select c.*
          from outcomes c
          where c.simulation_id = %L and c.execution_time <= %L and c.execution_time >= $1 and c.execution_time < $2
          order by c.execution_time desc, c.outcome_id desc
          limit $3', variadic array[p.parent::text, $2::text]), greatest((select coalesce(min(first_outcome_at), 'infinity') from simulations s where s.simulation_id = p.parent)), least($3::timestamptz, (select coalesce(max(last_outcome_at), '-infinity') from simulations s where s.simulation_id = p.parent)), $4::int, true) c order by c.execution_time desc, c.outcome_id desc limit $5::int) page"
    `)
  })

  it('is planned at once in an order that is not that of time, unless that time is known', () => {
    const statement = pageSql(PAGE, true).text
    expect(statement).toBe(pageSql(PAGE).text)
    const ofOne = all(PAGE.where, equal({ field: 'simulationId', kind: 'uuid' }, 'a'))
    expect(pageSql({ ...PAGE, where: ofOne }, true).text).toContain('rows_by_time')
  })
})

describe('pages below parents', () => {
  it('whose key the rows hold', () => {
    const { text, values } = parentPagesSql({ ...PAGE, parentField: 'simulationId', parentType: 'uuid' }, [
      'a',
      'b',
    ])
    expect(text).toMatchInlineSnapshot(`
      "/* parentPages outcomes */
          select p.parent, page.*
          from unnest($1::uuid[]) as p(parent)
          cross join lateral (select c.execution_time as "executionTime", c.outcome_id as "outcomeId"
          from outcomes c
          where c.simulation_id = p.parent and c.status in ('error')
          order by c.cost_usd desc nulls last, c.outcome_id desc
          limit $2::int) page"
    `)
    expect(values).toEqual([['a', 'b'], 21])
  })

  it('whose key is held by others that may have many: a page of each of these', () => {
    const { text, values } = parentPagesSql(
      {
        ...PAGE,
        parentField: 'configId',
        parentType: 'uuid',
        through: ['simulation', 'configVersion'],
      },
      ['a', 'b'],
    )
    expect(text).toMatchInlineSnapshot(`
      "/* parentPages outcomes */
          select p.parent, page.*
          from unnest($1::uuid[]) as p(parent)
          cross join lateral (select c.execution_time as "executionTime", c.outcome_id as "outcomeId"
          from simulations t0 join config_versions t1 on t1.version_id = t0.config_version_id cross join lateral (
                select c.execution_time, c.outcome_id, c.cost_usd from outcomes c where t0.simulation_id = c.simulation_id and c.status in ('error') order by c.cost_usd desc nulls last, c.outcome_id desc limit $2::int
              ) c
          where t1.config_id = p.parent
          order by c.cost_usd desc nulls last, c.outcome_id desc
          limit $3::int) page"
    `)
    expect(values).toEqual([['a', 'b'], 21, 21])
  })

  it('whose key is held by others that have few: joined', () => {
    const { text, values } = parentPagesSql(
      {
        ...PAGE,
        table: 'failure_patterns',
        parentField: 'scenarioId',
        parentType: 'text',
        through: ['outcome'],
      },
      ['a', 'b'],
    )
    expect(text).toMatchInlineSnapshot(`
      "/* parentPages failure_patterns */
          select p.parent, page.*
          from unnest($1::text[]) as p(parent)
          cross join lateral (select c.execution_time as "executionTime", c.outcome_id as "outcomeId"
          from failure_patterns c join outcomes t0 on t0.outcome_id = c.outcome_id and t0.execution_time = c.execution_time
          where t0.scenario_id = p.parent and c.status in ('error')
          order by c.cost_usd desc nulls last, c.outcome_id desc
          limit $2::int) page"
    `)
    expect(values).toEqual([['a', 'b'], 21])
  })
})

it('a page of computed rows is cut from all of them', () => {
  const { text, values } = computedPagesSql(
    {
      name: sql`perStatus`,
      fields: ['status', 'meanScore'],
      select: sql`select simulation_id::text as parent, status, avg(score) as mean_score from outcomes
        where simulation_id = any (${['a', 'b']}::uuid[]) group by 1, 2`,
    },
    {
      where: compared({ field: 'meanScore', kind: 'number' }, '>', 0.5),
      order: [{ field: 'meanScore', direction: 'asc' }],
      limit: 21,
    },
  )
  expect(text).toMatchInlineSnapshot(`
    "/* perStatus */
        select * from (
          select c.parent, row_number() over (partition by c.parent order by c.mean_score asc) as place, c.status as "status", c.mean_score as "meanScore"
          from (select simulation_id::text as parent, status, avg(score) as mean_score from outcomes
            where simulation_id = any ($1::uuid[]) group by 1, 2) c where c.mean_score > $2
        ) page
        where place <= $3::int
        order by place"
  `)
  expect(values).toEqual([['a', 'b'], 0.5, 21])
})

it('pages of one shape have one text, whatever their values', () => {
  const ask = (codes: string[], parents: string[], limit: number) =>
    parentPagesSql(
      {
        ...PAGE,
        where: among({ field: 'errorCode', kind: 'text' }, codes),
        limit,
        parentField: 'simulationId',
        parentType: 'uuid',
      },
      parents,
    ).text
  expect(ask(['error', 'timeout'], ['a', 'b', 'c'], 5)).toBe(ask([], ['d'], 501))
})
