import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseExactly, stringifyExactly } from '../../src/exactNumbers.ts'
import { schema } from '../../src/graphql/schema.ts'
import { Arc, type Tenant, useArc } from '../support/arc.ts'
import { addHardRows } from '../support/hardRows.ts'
import { KnownRows } from '../support/knownRows.ts'
import { answersOf } from '../support/learnedRows.ts'
import { operationAlong, type RandomOperation } from '../support/randomOperation.ts'
import { everyRoute } from '../support/schemaRoutes.ts'
import { SEED } from '../support/seed.ts'
import { shrunk } from '../support/shrunkOperation.ts'
import { type SeededTenant, seedTenant } from '../support/tenantRows.ts'

/** Queries in all; the nightly run asks for 10,000. */
const QUERIES = Number(process.env.ARC_TEST_QUERIES ?? 800)
const AT_A_TIME = 8

/** Lists below lists below lists. */
const SIZES = { rootFields: 2, depth: 6, fields: 12, connections: 3 }

const ROLES = ['app_user', 'app_user', 'app_user', 'app_readonly', 'app_admin', 'app_ingest'] as const

/** What is another at each moment, or counts what this test does. */
const VOLATILE = /\b(runtimeMs|health|metrics|lastUsedAt|asOf)\b/

const SETTINGS = { ARC_MAX_COST: '1000000000' }
const arc = useArc({ ...SETTINGS })
const byResolvers = new Arc({ ...SETTINGS, ARC_COMPILED_READS: 'off' })
/** As where there are many chunks: see src/reads/byTime.ts. */
const inSteps = new Arc({ ...SETTINGS, ARC_PLANNED_CHUNKS: '0' })
for (const other of [byResolvers, inSteps]) {
  beforeAll(() => other.start())
  afterAll(() => other.stop())
}

const routes = everyRoute(schema).filter(({ steps }) => steps[0]?.type === 'Query')

interface Asked {
  number: number
  operation: RandomOperation
  token: string
  role: string
}

describe(`${QUERIES} random queries`, () => {
  it('have the same answer from one statement, in steps of time as well, as from resolvers', async () => {
    const tenants: SeededTenant[] = [await seedTenant(arc), await seedTenant(arc)]
    await addHardRows(arc, tenants[0]!.tenant)
    const known = tenants.map(() => new KnownRows())
    for (const [which, { tenant }] of tenants.entries()) {
      for (const answer of await answersOf(tenant, known[which])) {
        known[which]!.learn(answer)
        known[1 - which]!.learnOfStranger(answer)
      }
    }
    await deleteSomething(tenants[0]!.tenant)
    const different: string[] = []
    let [next, asked, withData] = [0, 0, 0]
    const worker = async () => {
      while (asked < QUERIES && different.length < 5) {
        const question = await askedAs(next++, tenants, known)
        if (question.operation.kind !== 'query' || VOLATILE.test(question.operation.query)) continue
        asked++
        const { query, variables } = question.operation
        // What one field may not read spoils the transaction of all resolvers; statements of others are not hit by it.
        const isOther = ([theirs, ...ours]: readonly string[]) =>
          ours.some((our) => our !== theirs && !(bothForbid(our, theirs!) && question.role === 'app_ingest'))
        // With other ids the statement that is kept is asked again.
        const others = withOtherIds(variables, known[question.number % known.length]!)
        for (const given of others ? [variables, others] : [variables]) {
          const answers = await answersTo(query, given, question.token)
          if (given === variables && /"data":\{/.test(answers[0]!)) withData++
          if (!isOther(answers)) continue
          const smallest = await shrunk(query, async (text) =>
            isOther(await answersTo(text, given, question.token)),
          )
          const smallestAnswers = await answersTo(smallest, given, question.token)
          const [resolved, compiled, stepped] = smallestAnswers.map((answer) => answer.slice(0, 1_000))
          different.push(
            `ARC_TEST_SEED=${SEED}, query ${question.number}, ${question.role}:\n${smallest}\n${JSON.stringify(given)}\none statement: ${compiled}\nin steps:      ${stepped}\nresolvers:     ${resolved}`,
          )
        }
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, worker))
    expect(different.join('\n\n')).toBe('')
    expect(withData / asked).toBeGreaterThan(0.3)
  }, 600_000)
})

async function askedAs(
  number: number,
  tenants: readonly SeededTenant[],
  known: readonly KnownRows[],
): Promise<Asked> {
  const route = routes[number % routes.length]!
  const which = number % tenants.length
  const arbitrary = fc.record({
    operation: operationAlong(schema, route, known[which]!, SIZES),
    role: fc.constantFrom(...ROLES),
  })
  const [{ operation, role }] = fc.sample(arbitrary, { seed: SEED + number, numRuns: 1 }) as [
    { operation: RandomOperation; role: (typeof ROLES)[number] },
  ]
  return { number, operation, role, token: await tenants[which]!.tenant.token(role) }
}

const KEYS = [
  'simulationId',
  'versionId',
  'configId',
  'outcomeId',
  'patternId',
  'usageId',
  'recommendationId',
]

/** The same with another of the tenant's ids for each of them; undefined where there is none. */
function withOtherIds(variables: Record<string, unknown>, known: KnownRows): object | undefined {
  const ids = KEYS.map((key) => known.under(key))
  const others = Object.entries(variables).flatMap(([name, value]) => {
    const alike = ids.find((each) => each.includes(value))
    return alike ? [[name, alike[(alike.indexOf(value) + 1) % alike.length]]] : []
  })
  return others.length > 0 ? { ...variables, ...Object.fromEntries(others) } : undefined
}

/** As text of which only the spaces are another, and the order of keys inside of JSON that looks like integers. */
function answersTo(query: string, variables: object, token: string): Promise<string[]> {
  return Promise.all(
    [byResolvers, arc, inSteps].map(async ({ url }) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, variables }),
      })
      const text = await response.text()
      return `${response.status} ${stringifyExactly(parseExactly(text))}`.replace(/[0-9a-f-]{36}\./g, 'id.')
    }),
  )
}

function bothForbid(...answers: string[]): boolean {
  return answers.every((answer) => answer.includes('"FORBIDDEN"'))
}

/** Rows whose keys, global ids and cursors are known. */
async function deleteSomething(tenant: Tenant): Promise<void> {
  const { simulations } = await tenant.data('{ simulations(last: 1) { nodes { simulationId } } }')
  const { deleteSimulation } = await tenant.data(
    `mutation ($input: DeleteSimulationInput!) { deleteSimulation(input: $input) { errors { message } } }`,
    { input: simulations.nodes[0] },
  )
  expect(deleteSimulation.errors).toEqual([])
}
