import { randomUUID } from 'node:crypto'
import sql from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import { NUMBER } from '../../src/graphql/lists/numberedList.ts'
import { answerStatement } from '../../src/reads/answers/answerSql.ts'
import type { ListPart, Member, PagePart, Row } from '../../src/reads/answers/parts.ts'
import { identifier } from '../../src/reads/catalogue.ts'
import { useArcBehindProxy } from '../support/databaseProxy.ts'

const { arc, proxy } = await useArcBehindProxy()

const roads = async (tenant: ReturnType<typeof arc.tenant>) =>
  (await tenant.data('{ metrics { compiledFields resolvedFields { reason fields } } }')).metrics

describe('a query', () => {
  it('is answered by one statement for each field of the root, and metrics count them', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'], { repetitions: 2 })
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS', trajectory: { steps: [1, 2] } }])
    const before = await roads(tenant)
    const statements = await arc.statementsDuring(() =>
      tenant.data(
        `query ($id: UUID!) {
          simulation(simulationId: $id) {
            ...Counted
            runs(last: 3) { pageInfo { hasPreviousPage startCursor } nodes { scenario { name } outcome { status } } }
            toolAnalytics { totalCount nodes { toolName commonErrors { message } } }
          }
          outcomes { edges { cursor node { __typename trajectory trajectorySteps(first: 1) { nodes { content } } } } }
        }
        fragment Counted on Simulation { id totalScenarios again: totalScenarios completionPercent }`,
        { id: simulationId },
      ),
    )
    expect(statements.filter((text) => text.includes('/* answer */'))).toHaveLength(2)
    // The settings besides, and the rest of the time; until a connection has shown its session, BEGIN and COMMIT.
    expect(statements.length).toBeLessThanOrEqual(6)
    const after = await roads(tenant)
    expect(after.compiledFields - before.compiledFields).toBe(2)
  })

  it('has what resolvers read beside that, of the same state of the database', async () => {
    const tenant = arc.tenant()
    await tenant.simulation(['a'])
    const lists = Array.from({ length: 16 }, (_, index) => `p${index}: runs { totalCount }`)
    const query = `{ viewer { role } simulations { nodes { ${lists.join(' ')} } } configVersions { totalCount } }`
    const statements = await arc.statementsDuring(() => tenant.data(query))
    expect(statements.filter((text) => /^begin/i.test(text))).toHaveLength(1)
    const { configVersions, simulations, viewer } = await tenant.data(query)
    expect({ configVersions, viewer }).toEqual({
      configVersions: { totalCount: 1 },
      viewer: { role: 'USER' },
    })
    expect(Object.values(simulations.nodes[0])).toEqual(Array(16).fill({ totalCount: 1 }))
    expect((await roads(tenant)).resolvedFields).toEqual(
      expect.arrayContaining([
        { reason: 'TOO_LARGE', fields: 2 },
        { reason: 'Query.viewer', fields: 2 },
      ]),
    )
  })

  it('that reads many tables for one object is answered by resolvers, one after the other', async () => {
    const tenant = arc.tenant()
    const id = await tenant.simulation(['a'])
    const ask = async (pages: number) => {
      const lists = Array.from(
        { length: pages },
        (_, index) => `p${index}: runs(first: 1) { nodes { status } }`,
      )
      const query = `query ($id: UUID!) { simulation(simulationId: $id) { ${lists.join(' ')} } }`
      let shown: any
      const statements = await arc.statementsDuring(async () => {
        shown = (await tenant.data(query, { id })).simulation
      })
      expect(Object.values(shown)).toEqual(Array(pages).fill({ nodes: [{ status: 'PENDING' }] }))
      return statements.filter((text) => text.includes('/* answer */')).length
    }
    expect(await ask(15)).toBe(1)
    expect(await ask(16)).toBe(0)
    expect((await roads(tenant)).resolvedFields).toContainEqual({ reason: 'TOO_LARGE', fields: 1 })
  })

  it('that reads outcomes often, be it for sums or conditions, is answered by resolvers', async () => {
    const tenant = arc.tenant()
    const id = await tenant.simulation(['a'])
    const lists = [
      (alias: string) => `${alias}: outcomes { nodes { status } }`,
      (alias: string) => `${alias}: performance(timeZone: "Asia/Kolkata") { summary { runs } }`,
      (alias: string) => `${alias}: failurePatterns(filter: { superseded: false }) { nodes { failureType } }`,
    ]
    const ask = async (count: number) => {
      const fields = Array.from({ length: count }, (_, index) => lists[index % 3]!(`l${index}`))
      const statements = await arc.statementsDuring(() =>
        tenant.data(`query ($id: UUID!) { simulation(simulationId: $id) { ${fields.join(' ')} } }`, { id }),
      )
      return statements.filter((text) => text.includes('/* answer */')).length
    }
    expect(await ask(6)).toBe(1)
    expect(await ask(7)).toBe(0)
  })

  it('whose answer is long is not made as one text: a value that is asked for a hundred times comes once', async () => {
    const tenant = arc.tenant()
    const metadata = { log: 'x'.repeat(500_000) }
    const id = await tenant.simulation(['a'], { metadata })
    const aliases = Array.from({ length: 40 }, (_, index) => `m${index}: metadata`)
    let shown: any
    const bytes = await arc.bytesDuring(async () => {
      shown = await tenant.data(
        `query ($id: UUID!) { simulation(simulationId: $id) { ${aliases.join(' ')} } }`,
        { id },
      )
    })
    expect(Object.values(shown.simulation)).toEqual(Array(40).fill(metadata))
    expect(bytes).toBeLessThan(2_000_000)
  })

  it.each([
    ['a value', 1_500_000, { page: 10_000_000, value: 1_000_000 }, 1],
    ['a row', 1_500_000, { page: 10_000_000, value: 10_000_000 }, 1],
    ['a page', 1_000_000, { page: 10_000_000, value: 10_000_000 }, 12],
    ['a page from its end', 1_000_000, { page: 10_000_000, value: 10_000_000 }, 12],
    ['a list', 1_000_000, { page: 10_000_000, value: 10_000_000 }, 12],
  ])('in which %s is too long ends there: no more is made', async (what, length, most, next) => {
    // From there on to make one fails in another way.
    const content = (row: Row) =>
      sql`repeat('x', case when ${row.column('number')} >= ${next}::int then 1 / (${row.column('number')} * 0) else ${length}::int end)`
    const members: Member[] = [
      { key: 'content', part: { is: 'sql', json: content, nullable: false, isHuge: true } },
    ]
    const rows = sql`select n as number from generate_series(0, 99) as n`
    const page: PagePart = {
      is: 'page',
      rows: () => rows,
      count: () => sql`select 100`,
      isGeneral: false,
      sort: NUMBER,
      size: 100,
      fromEnd: what === 'a page from its end',
      isCut: false,
      members: [{ key: 'nodes', shows: 'nodes', members }],
    }
    const list: ListPart = { is: 'list', from: (own) => sql`(${rows}) ${identifier(own.alias)}`, members }
    const { text, values } = answerStatement(what === 'a list' ? list : page, most)
    const asked = arc.sql('admin', (client) => client.query(text, [...values]))
    await expect(asked).rejects.toMatchObject({ code: '54000' })
  })

  it('for rows by their ids that are too long together ends there as well', async () => {
    const tenant = arc.tenant()
    const id = await tenant.simulation(['a'])
    // The thirtieth fails in another way.
    const made = sql`set_config('arc.made', (coalesce(nullif(current_setting('arc.made', true), ''), '0')::int + 1)::text, true)::int`
    const content = (row: Row) =>
      sql`case when ${made} < 30 then repeat('x', 900000) else (1 / (0 * octet_length(${row.column('status')})))::text end`
    const ids = Array.from({ length: 100 }, () => [id])
    const { text, values } = answerStatement(
      {
        is: 'rows',
        count: ids.length,
        tables: [
          {
            table: 'simulations',
            keys: [{ field: 'simulationId', kind: 'uuid' }],
            places: ids.map((_, index) => index + 1),
            values: ids,
            members: [{ key: 'content', part: { is: 'sql', json: content, nullable: false, isHuge: true } }],
          },
        ],
      },
      { page: 10_000_000, value: 10_000_000 },
    )
    const asked = arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
      await client.query(text, [...values]).finally(() => client.query('rollback'))
    })
    await expect(asked).rejects.toMatchObject({ code: '54000' })
  })

  it('that the database refuses is answered by resolvers, with their words', async () => {
    const tenant = arc.tenant()
    await tenant.simulation(['a'])
    const answer = await tenant.ask(
      '{ outcomes { nodes { status } } simulations { totalCount } }',
      {},
      'app_ingest',
    )
    expect(answer.errors).toMatchObject([{ path: ['outcomes'], extensions: { code: 'FORBIDDEN' } }])
    expect((await roads(tenant)).resolvedFields).toContainEqual({ reason: 'DATABASE', fields: 2 })
  })

  it('whose connection breaks is asked again on another', async () => {
    const tenant = arc.tenant()
    await tenant.scenarios('a')
    const holding = proxy.hold('/* answer */')
    const asking = tenant.ask('{ scenario(scenarioId: "a") { name } }')
    ;(await holding).cut()
    expect(await asking).toMatchObject({
      status: 200,
      data: { scenario: { name: 'a' } },
      errors: undefined,
    })
  })

  it('is planned for each caller: another one’s id, filter and page have answers of their own', async () => {
    const [one, other] = [arc.tenant(), arc.tenant()]
    await one.scenarios('a', 'b', 'c')
    await other.scenarios('b')
    const query = `query ($first: Int, $name: String) {
      scenarios(first: $first, filter: { name: { contains: $name } }) { nodes { scenarioId } pageInfo { hasNextPage } }
    }`
    const of = async (tenant: typeof one, first: number, name: string) => {
      const { nodes, pageInfo } = (await tenant.data(query, { first, name })).scenarios
      return [...nodes.map(({ scenarioId }: any) => scenarioId), pageInfo.hasNextPage]
    }
    for (let time = 0; time < 3; time++) {
      expect(await of(one, 2, '')).toEqual(['c', 'b', true])
      expect(await of(one, 5, '')).toEqual(['c', 'b', 'a', false])
      expect(await of(one, 2, 'a')).toEqual(['a', false])
      expect(await of(other, 2, '')).toEqual(['b', false])
      expect(await of(other, 0, '')).toEqual([true])
    }
  })

  it('has each id in its own place, wherever else the same text stands', async () => {
    const tenant = arc.tenant()
    const ids = [randomUUID(), randomUUID()]
    const simulations = [
      await tenant.simulation(['a'], { metadata: { of: { id: ids[0] } } }),
      await tenant.simulation(['a', 'b'], { metadata: { of: { id: ids[1] } } }),
    ]
    const inJson = `query ($id: UUID!) {
      simulations(filter: { metadata: [{ path: ["of"], eq: { id: $id } }] }) { nodes { simulationId } }
    }`
    // The variable has the name that its value has in the filter.
    const inVariable = `query ($eq: UUID!, $filter: SimulationFilter) {
      simulation(simulationId: $eq) { simulationId }
      simulations(filter: { simulationId: { eq: $eq } }) { nodes { simulationId } }
      runs: simulations(filter: $filter) { nodes { simulationId } }
    }`
    const literal = `query ($id: UUID!) {
      simulation(simulationId: $id) { simulationId }
      nobodys: simulation(simulationId: "ffffffff-ffff-ffff-ffff-000000000000") { simulationId }
    }`
    for (const [at, simulationId] of simulations.entries()) {
      const shown = { nodes: [{ simulationId }] }
      expect(await tenant.data(inJson, { id: ids[at] })).toEqual({ simulations: shown })
      expect(
        await tenant.data(inVariable, {
          eq: simulationId,
          filter: { simulationId: { eq: simulationId } },
        }),
      ).toEqual({ simulation: { simulationId }, simulations: shown, runs: shown })
      expect(await tenant.data(literal, { id: simulationId })).toEqual({
        simulation: { simulationId },
        nobodys: null,
      })
    }
  })

  it('shows once what stands in it several times, with all that is asked of it there', async () => {
    const tenant = arc.tenant()
    const id = await tenant.simulation(['a'])
    await tenant.record([{ simulationId: id, scenarioId: 'a', status: 'SUCCESS' }])
    const { simulation } = await tenant.data(
      `query ($id: UUID!, $no: Boolean = false) {
        simulation(simulationId: $id) { outcomes(first: 1) { nodes { status } edges { cursor } } }
        simulation(simulationId: $id) @include(if: $no) { description }
        ...More
      }
      fragment More on Query {
        simulation(simulationId: $id) {
          outcomes(first: 1) { totalCount edges { node { status @skip(if: $no) } node { scenarioId } } nodes { scenarioId } }
        }
      }`,
      { id },
    )
    const shown = { status: 'SUCCESS', scenarioId: 'a' }
    const cursor = simulation.outcomes.edges[0].cursor
    expect(JSON.stringify(simulation)).toBe(
      JSON.stringify({ outcomes: { nodes: [shown], edges: [{ cursor, node: shown }], totalCount: 1 } }),
    )
  })
})
