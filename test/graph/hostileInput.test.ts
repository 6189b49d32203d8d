import { randomUUID } from 'node:crypto'
import { getNamedType, isInputObjectType } from 'graphql'
import { describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { useArc } from '../support/arc.ts'

// Asked for is everything at once, in pages of 50: more than a server has to grant.
const arc = useArc({ ARC_MAX_COST: '1000000000' })

const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a value that no column holds', () => {
  it.each([
    ['U+0000 in a key', '{ scenario(scenarioId: "a\\u0000b") { name } }'],
    ['U+0000 in a filter', '{ scenarios(filter: { source: { contains: "\\u0000" } }) { totalCount } }'],
    [
      'U+0000 below a parent',
      '{ simulations { nodes { outcomes(filter: { model: { eq: "\\u0000" } }) { totalCount } } } }',
    ],
    ['a number beyond all numbers', '{ outcomes(filter: { costUsd: { lt: 1e400 } }) { totalCount } }'],
    ['a global id of no type', `{ node(id: "${base64('Nothing:1')}") { id } }`],
    ['a global id with a key that is none', `{ node(id: "${base64('Simulation:garbage')}") { id } }`],
    ['a global id with half a key', `{ node(id: "${base64('SimulationScenario:["a"]')}") { id } }`],
    ['a global id that is none', '{ nodes(ids: ["garbage"]) { id } }'],
  ])('is refused as such: %s', async (_, query) => {
    const tenant = arc.tenant()
    await tenant.simulation(['a'])
    const { errors } = await tenant.ask(query)
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT'])
  })

  it.each([
    [
      'outcomes',
      'EXECUTION_TIME',
      ['executionTime', '+275760-09-13T00:00:00.000Z', '00000000-0000-7000-8000-000000000000'],
    ],
    [
      'outcomes',
      'TOKENS_USED',
      ['tokensUsed', '1.5', '2026-01-01T00:00:00Z', '00000000-0000-7000-8000-000000000000'],
    ],
    [
      'outcomes',
      'TOKENS_USED',
      ['tokensUsed', '2147483648', '2026-01-01T00:00:00Z', '00000000-0000-7000-8000-000000000000'],
    ],
    [
      'simulations',
      'TOTAL_TOKENS',
      ['totalTokens', '9223372036854775808', '00000000-0000-7000-8000-000000000000'],
    ],
    ['scenarios', 'NAME', ['name', '\0', 'a']],
  ])('makes no cursor of %s by %s: %j', async (list, field, values) => {
    const after = Buffer.from(JSON.stringify(values)).toString('base64url')
    const { errors } = await arc
      .tenant()
      .ask(`query ($after: String) { ${list}(after: $after, orderBy: { field: ${field} }) { totalCount } }`, {
        after,
      })
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['CURSOR_INVALID'])
  })

  it('of time is refused when it is given, alone or in a document', async () => {
    const filtered = (time: string) => `outcomes(filter: { executionTime: { gt: ${time} } }) { totalCount }`
    for (const time of ['0000-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '+275760-09-13T00:00:00Z']) {
      const alone = await arc.tenant().ask(`query ($time: DateTime) { ${filtered('$time')} }`, { time })
      expect(alone.errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT'])
      const inDocument = await arc.tenant().ask(`{ ${filtered(JSON.stringify(time))} }`)
      expect(inDocument.errors?.map(({ extensions }) => extensions.code)).toEqual([
        'GRAPHQL_VALIDATION_FAILED',
      ])
    }
  })

  it('of another kind becomes text in what is stored', async () => {
    const { createConfiguration } = await arc.tenant().data(
      `mutation { createConfiguration(input: { name: "agent", modalAppId: "a\\u0000b" }) {
        configuration { modalAppId } errors { code }
      } }`,
    )
    expect(createConfiguration).toEqual({ configuration: { modalAppId: 'a\ufffdb' }, errors: [] })
  })
})

describe('a filter', () => {
  it('of integers takes fractions and numbers of any size as what they mean', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
    await tenant.record(
      [1, 2, null].map((tokensUsed, index) => ({
        simulationId,
        scenarioId: 'a',
        repetition: index + 1,
        status: 'SUCCESS',
        tokensUsed,
      })),
    )
    const query = `query ($filter: OutcomeFilter) {
      outcomes(filter: $filter) { totalCount nodes { tokensUsed } }
      simulations { nodes { outcomes(filter: $filter) { totalCount } } }
    }`
    for (const [tokensUsed, expected] of [
      [{ gt: 1.5 }, [2]],
      [{ gte: 1.5 }, [2]],
      [{ lt: 1.5 }, [1]],
      [{ lte: 1.999 }, [1]],
      [{ eq: 1.5 }, []],
      [{ gt: 1, lt: 2 }, []],
      [{ lte: 2 ** 31 }, [1, 2]],
      [{ gt: -1e308 }, [1, 2]],
      [{ gt: 1e308 }, []],
      [{ eq: 2 ** 53 }, []],
      [{}, [1, 2, null]],
    ] as const) {
      const { outcomes, simulations } = await tenant.data(query, { filter: { tokensUsed } })
      const found = outcomes.nodes.map((node: { tokensUsed: number | null }) => node.tokensUsed)
      expect([tokensUsed, new Set(found)]).toEqual([tokensUsed, new Set(expected)])
      expect(outcomes.totalCount).toBe(expected.length)
      expect(simulations.nodes[0].outcomes.totalCount).toBe(expected.length)
    }
    const { data } = await tenant.ask(query, { filter: { eventSeq: { gte: 1.5 } } })
    expect(data.outcomes.totalCount).toBe(3)
  })

  it('of tags takes no condition and both', async () => {
    const tenant = arc.tenant()
    await tenant.data(
      `mutation { upsertScenarios(input: { scenarios: [
        { scenarioId: "a", taskPrompt: "x", tags: ["red", "big"] }, { scenarioId: "b", taskPrompt: "x", tags: ["red"] }
      ] }) { errors { code } } }`,
    )
    for (const [tags, expected] of [
      [{}, 2],
      [{ hasSome: ['red', 'blue'], hasEvery: ['big'] }, 1],
      [{ hasSome: [] }, 0],
      [{ hasEvery: [] }, 2],
    ] as const) {
      const { scenarios } = await tenant.data(
        'query ($filter: ScenarioFilter) { scenarios(filter: $filter) { totalCount } }',
        { filter: { tags } },
      )
      expect([tags, scenarios.totalCount]).toEqual([tags, expected])
    }
  })
})

describe('an operation that ends with an error while others of its fields still read', () => {
  const WRONG = 'wrong: simulations { nodes { outcomes(first: -1) { totalCount } } }'
  const READS =
    'configurations { nodes { versions { totalCount nodes { simulations { totalCount nodes { outcomes { totalCount } } } } } } }'

  it('leaves no connection behind', async () => {
    const tenant = arc.tenant()
    await tenant.simulation(['a'])
    for (let time = 0; time < 10; time++) {
      const { errors } = await tenant.ask(`{ ${READS} ${WRONG} }`)
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT'])
    }
    await tenant.expectConnectionsGivenBack()
  })

  it('lets the next change of a mutation have its connection', async () => {
    const tenant = arc.tenant()
    await tenant.simulation(['a'])
    const { data, errors } = await tenant.ask(
      `mutation {
        one: createConfiguration(input: { name: "one", yaml: "model: m\\n" }) {
          configuration {
            versions { nodes { configuration { versions { nodes { simulations { totalCount } } } } } }
            wrong: latestVersion { simulations(first: -1) { totalCount } }
          }
        }
        two: createConfiguration(input: { name: "two" }) { configuration { name } errors { code } }
      }`,
    )
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT'])
    expect(data.two).toEqual({ configuration: { name: 'two' }, errors: [] })
  })

  it('does not take the transaction from under those that read while health looks', async () => {
    const tenant = arc.tenant()
    await tenant.simulation(['a'])
    for (let time = 0; time < 10; time++) await tenant.data(`{ ${READS} health { status } again: ${READS} }`)
  })
})

describe('a scenario’s key that is none', () => {
  const mutations = Object.values(schema.getMutationType()!.getFields()).flatMap(({ name, args }) => {
    const input = args[0] && getNamedType(args[0].type)
    if (!isInputObjectType(input)) return []
    return Object.values(input.getFields())
      .filter((field) => /^scenarioIds?$/.test(field.name))
      .map((field) => [name, field.name, input] as const)
  })

  it('may be brought by these mutations, besides those that have rows', () => {
    expect(mutations.map(([name]) => name).sort()).toEqual([
      'deleteScenario',
      'extendSimulation',
      'heartbeat',
      'startSimulation',
    ])
  })

  const KEYS: [what: string, key: string][] = [
    ['900,000 characters', 'a'.repeat(900_000)],
    ['U+0000', 'a\0b'],
    ['nothing', ''],
    ['letters of other forms', 'Ä'],
    ['101 characters', 'a'.repeat(101)],
  ]

  it.each(
    mutations.flatMap(([name, ...where]) => KEYS.map(([what, key]) => [name, what, key, ...where] as const)),
  )(
    'is refused by %s before it is looked for, and not repeated at length: %s',
    async (name, _, key, field, input) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'])
      const others = {
        startSimulation: { configVersionId: (await tenant.configVersion('another')).versionId },
        extendSimulation: { simulationId },
        heartbeat: { simulationId },
      }
      const isList = field === 'scenarioIds'
      const { errors } = (
        await tenant.data(
          `mutation ($input: ${input}!) { answer: ${name}(input: $input) { errors { code message path } } }`,
          { input: { ...others[name as keyof typeof others], [field]: isList ? ['a', key] : key } },
        )
      ).answer
      expect(errors).toEqual([
        {
          code: 'INVALID_VALUE',
          message: expect.stringMatching(/must be 1 to 100 lower-case letters, digits and _/),
          path: isList ? [field, '1'] : [field],
        },
      ])
      expect(errors[0].message.length).toBeLessThan(400)
    },
  )

  it('and whatever else a refusal repeats is cut, in receipts as well', async () => {
    const { receipts } = await arc
      .tenant()
      .record([{ simulationId: randomUUID(), scenarioId: 'a', status: 'X'.repeat(100_000) }])
    expect(receipts).toMatchObject([{ status: 'REJECTED', code: 'INVALID_VALUE' }])
    expect(receipts[0].reason.length).toBe(1_000)
  })
})
