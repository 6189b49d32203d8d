import sql from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import { answerStatement } from '../../../src/reads/answers/answerSql.ts'
import { relatedRow, rowWith, storedPage } from '../../../src/reads/answers/pages.ts'
import type { Computation, Member, PageMember, Part, Source } from '../../../src/reads/answers/parts.ts'
import { weightOf } from '../../../src/reads/answers/weight.ts'
import type { Column, ColumnKind } from '../../../src/reads/catalogue.ts'
import {
  all,
  among,
  type Condition,
  compared,
  contains,
  equal,
  related,
} from '../../../src/reads/condition.ts'
import { type PageArgs, planPage } from '../../../src/reads/pagePlan.ts'

const column = (field: string, kind: ColumnKind): Column => ({ field, kind })
const STATUS = new Map([
  ['success', 'SUCCESS'],
  ['error', 'ERROR'],
])
const OUTCOMES = {
  keys: [
    { field: 'executionTime', kind: 'time' as const },
    { field: 'outcomeId', kind: 'uuid' as const },
  ],
  orders: { EXECUTION_TIME: { field: 'executionTime', kind: 'time' as const, description: '' } },
  defaultOrder: { field: 'EXECUTION_TIME', direction: 'desc' as const },
}
const FIELDS: Member[] = [
  { key: 'id', part: { is: 'column', field: 'outcomeId', kind: 'uuid', nullable: false } },
  { key: 'status', part: { is: 'enum', field: 'status', names: STATUS, nullable: false } },
  { key: 'score', part: { is: 'column', field: 'reliabilityScore', kind: 'number', nullable: true } },
]
const page = (args: PageArgs, members: readonly PageMember[], where: Condition = all()) =>
  storedPage(
    'outcomes',
    { key: 'simulationId', field: 'simulationId' },
    planPage(OUTCOMES, args, where),
    members,
  )
const MOST = { page: 300, value: 1_000 }
const NODES: PageMember = { key: 'nodes', shows: 'nodes', members: FIELDS }
const MORE: PageMember = {
  key: 'pageInfo',
  shows: 'pageInfo',
  members: [{ key: 'more', shows: 'hasNextPage' }],
}

describe('the statement of an answer', () => {
  it('selects an object by its key', () => {
    const { text, values, isGeneral } = answerStatement(
      rowWith('outcomes', equal(column('outcomeId', 'uuid'), 'a'), FIELDS),
      MOST,
    )
    expect(text).toMatchInlineSnapshot(
      `"/* answer */ select concat(coalesce((select concat('{"id":"', r1.outcome_id, '","status":', case r1.status when 'success' then '"SUCCESS"' when 'error' then '"ERROR"' else chr(1) end, ',"score":', coalesce(r1.reliability_score::text, 'null'), '}') from outcomes r1 where r1.outcome_id = $1), 'null')) as answer"`,
    )
    expect({ values, isGeneral }).toEqual({ values: ['a'], isGeneral: true })
  })

  it('measures no rows that cannot be too long together', () => {
    const text = (maxBytes?: number): Member => ({
      key: 'name',
      part: {
        is: 'column',
        field: 'name',
        kind: 'text',
        nullable: false,
        ...(maxBytes !== undefined && { maxBytes }),
      },
    })
    const isMeasured = (member: Member, first = 10) => {
      const nodes: PageMember = { key: 'nodes', shows: 'nodes', members: [member] }
      const answer = answerStatement(
        rowWith('simulations', equal(column('simulationId', 'uuid'), 'a'), [
          { key: 'outcomes', part: page({ first }, [nodes]) },
        ]),
        { page: 10_000, value: 1_000 },
      )
      return answer.text.includes('sum(bytes)')
    }
    expect(isMeasured(FIELDS[0]!)).toBe(false)
    expect(isMeasured(text(900))).toBe(false)
    expect(isMeasured(text(900), 11)).toBe(true)
    expect(isMeasured(text())).toBe(true)
    // A related row is as long as its members, and what is in lists is of any length.
    const row: Member['part'] = {
      is: 'row',
      from: (own) => sql`scenarios ${own.alias}`,
      members: [text(900)],
      nullable: false,
    }
    expect(isMeasured({ key: 'scenario', part: row })).toBe(false)
    expect(isMeasured({ key: 'scenario', part: { ...row, members: [text()] } })).toBe(true)
    expect(isMeasured({ key: 'outcomes', part: page({ first: 1 }, [NODES]) })).toBe(true)
  })

  it('selects the columns that are shown, of no more rows than are shown, below their parent', () => {
    const simulation = rowWith('simulations', equal(column('simulationId', 'uuid'), 'a'), [
      { key: 'outcomes', part: page({ first: 2 }, [NODES, MORE]) },
      {
        key: 'version',
        part: relatedRow(
          'config_versions',
          [['configVersionId', 'versionId']],
          [{ key: 'model', part: { is: 'column', field: 'model', kind: 'text', nullable: false } }],
          false,
        ),
      },
    ])
    expect(answerStatement(simulation, MOST).text).toMatchInlineSnapshot(`
      "/* answer */ select concat(coalesce((select concat('{"outcomes":', (select concat('{"nodes":[', string_agg(t0_fits, ','), '],"pageInfo":{"more":', case when count(*) > 2 then 'true' else 'false' end, '}}') from (select measured.*, case when sum(bytes) over (rows unbounded preceding) > 300 then chr(least(0, sum(bytes) over (rows unbounded preceding))::int) else t0 end as t0_fits from (
            select texts.*, case when coalesce(octet_length(t0), 0) > 1048576 then ascii(chr(least(0, coalesce(octet_length(t0), 0))::int)) else coalesce(octet_length(t0), 0) end as bytes
            from (select n, case when r2.n <= 2 then concat('{"id":"', r2.outcome_id, '","status":', case r2.status when 'success' then '"SUCCESS"' when 'error' then '"ERROR"' else chr(1) end, ',"score":', coalesce(r2.reliability_score::text, 'null'), '}') end as t0 from (
              select page.*, row_number() over () as n from (select c.outcome_id, c.status, c.reliability_score, c.execution_time
          from outcomes c
          where c.simulation_id = r1.simulation_id and true
          order by c.execution_time desc, c.outcome_id desc
          limit 3) page
            ) r2 offset 0) texts offset 0
          ) measured) page having count(*) >= 0), ',"version":', coalesce((select concat('{"model":', coalesce(case when octet_length(r3.model) > 1000 then chr(least(0, octet_length(r3.model))::int) else to_json(r3.model)::text end, chr(1)), '}') from config_versions r3 where r3.version_id = r1.config_version_id and true), chr(1)), '}') from simulations r1 where r1.simulation_id = $1), 'null')) as answer"
    `)
  })

  it('has one text for all ids, and is planned for each value of another condition', () => {
    const of = (where: Condition) => answerStatement(page({ first: 5 }, [NODES], where), MOST)
    const scenarioId = column('scenarioId', 'text')
    expect(of(equal(scenarioId, 'a'))).toMatchObject({ isGeneral: true, values: ['a'] })
    expect(of(equal(scenarioId, 'a')).text).toBe(of(equal(scenarioId, 'b')).text)
    const closed = all(
      among(column('status', 'enum'), ['error']),
      equal(column('superseded', 'boolean'), false),
    )
    expect(of(closed)).toMatchObject({ isGeneral: true, values: [] })
    for (const where of [
      equal(column('errorCode', 'text'), 'a'),
      compared(column('executionTime', 'time'), '>=', new Date(0)),
      contains(scenarioId, 'a'),
      all(related('simulation', compared(column('priority', 'integer'), '>=', 1))),
    ])
      expect(of(where)).toMatchObject({ isGeneral: false })
  })

  it('takes any number of fields, each under a key of its own, and texts with quotes', () => {
    const many = Array.from(
      { length: 300 },
      (_, index): Member => ({
        key: `f${index}`,
        part: { is: 'literal', json: `"it's ${index}"` },
      }),
    ).concat(FIELDS)
    const { text } = answerStatement(rowWith('outcomes', all(), [...many, ...many]), MOST)
    expect(text).toContain(`it''s 299`)
    // PostgreSQL takes no more arguments.
    for (const [, args] of text.matchAll(/concat\(([^()]*)\)/g))
      expect(args!.split(', ').length).toBeLessThan(100)
  })

  describe('of which something is computed', () => {
    const source: Source = { text: () => sql`(select string_agg(x, ',') from xs)`, reads: 1, huge: 1 }
    const asked: unknown[] = []
    const second: Source = { ...source, text: () => sql`(select y from ys)` }
    const doubled = (name: string, of = source): Computation => ({
      source: of,
      values: async (places, read, operation) => {
        asked.push([name, places, read, operation])
        return places.map((place) => place + place)
      },
    })
    const computed = (of: Computation): Part => ({
      is: 'computed',
      of,
      place: (row) => row.column('scenarioId'),
      json: (value) => JSON.stringify(value),
    })
    const one = doubled('one')
    const statement = answerStatement(
      rowWith('outcomes', all(), [
        { key: 'a', part: computed(one) },
        { key: 'b', part: { is: 'computed', of: one, json: (value) => `[${JSON.stringify(value)}]` } },
        { key: 'c', part: computed(doubled('other')) },
        { key: 'e', part: computed(doubled('second', second)) },
        { key: 'd', part: { ...computed({ values: async () => ['bare'] }), isLong: true } as Part },
      ]),
      MOST,
    )

    it('selects places in it, and what that is computed of once behind it', () => {
      expect(statement.text.match(/from xs/g)).toHaveLength(1)
      expect(statement.text).toContain('\u001d')
      // What is megabytes is not made to its end; nor is a place that may be long.
      expect(statement.text.match(/octet_length\(long\) > 1000 /g)).toHaveLength(3)
    })

    it('has it written in these places, each value once for all of them', async () => {
      const mark = (part: number, place: string) => `\u001a${part}:${place}\u001a`
      const row = (place: string) =>
        `{"a":${mark(0, place)},"b":${mark(1, '')},"c":${mark(2, place)},"e":${mark(3, place)},"d":${mark(4, '{"x":1}')}}`
      const operation = {}
      const read = `[${row('x:y')},${row('z')},${row('x:y')}]\u001d1,2,3\u001d4`
      expect(JSON.parse(await statement.computed!.complete(read, operation))).toEqual(
        ['x:y', 'z', 'x:y'].map((place) => ({
          a: place + place,
          b: [''],
          c: place + place,
          e: place + place,
          d: 'bare',
        })),
      )
      expect(asked).toEqual([
        ['one', ['x:y', '', 'z'], '1,2,3', operation],
        ['other', ['x:y', 'z'], '1,2,3', operation],
        ['second', ['x:y', 'z'], '4', operation],
      ])
      asked.length = 0
      expect(await statement.computed!.complete(Buffer.from('null\u001d'), operation)).toBe('null')
      expect(asked).toEqual([])
    })

    it('weighs what all of that is computed of once', () => {
      const parts = [computed(one), computed(doubled('other'))]
      const members = parts.map((part, at) => ({ key: `k${at}`, part }))
      expect(weightOf(rowWith('outcomes', all(), members))).toEqual({ pages: 0, huge: 1, long: 1, reads: 2 })
    })
  })

  it('knows what makes it long', () => {
    const huge: Member = {
      key: 't',
      part: { is: 'column', field: 'trajectory', kind: 'json', nullable: false, isHuge: true },
    }
    const nested = rowWith('simulations', all(), [
      { key: 'a', part: page({}, [{ key: 'nodes', shows: 'nodes', members: [huge, ...FIELDS] }]) },
      {
        key: 'b',
        part: page({}, [
          { key: 'edges', shows: 'edges', members: [{ key: 'node', shows: 'node', members: [huge] }] },
        ]),
      },
      { key: 'c', part: { is: 'sql', json: () => sql`'{}'`, nullable: false } },
    ])
    expect(weightOf(nested)).toEqual({ pages: 2, huge: 2, long: 2, reads: 3 })
  })
})
