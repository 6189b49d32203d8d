import { randomUUID } from 'node:crypto'
import {
  type GraphQLInputField,
  type GraphQLInputObjectType,
  GraphQLString,
  getNamedType,
  isInputObjectType,
} from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { ENGINES, makeMigratedDatabase, on } from '../support/emptyDatabase.ts'
import { everyConnection } from '../support/everyConnection.ts'
import { fillHistory, SHAPE } from '../support/history.ts'
import { rowsReadDuring } from '../support/plans.ts'

// A text that is looked for in every row must be looked for in the rows of one tenant. Here it has a handful, beside thirty
// others with a thousand outcomes each: who reads theirs reads them by the hundred.

type TextFilter = [list: string, field: string, condition: (text: string) => string]

/** Every filter of a list that looks for a text within others. */
const TEXT_FILTERS = everyConnection()
  .filter(({ parent }) => parent === 'Query')
  .flatMap(({ field: list }) => {
    const filter = schema
      .getQueryType()!
      .getFields()
      [list]!.args.find(({ name }) => name === 'filter')
    const fields = filter
      ? Object.values((getNamedType(filter.type) as GraphQLInputObjectType).getFields())
      : []
    return fields.flatMap((field) => {
      const condition = conditionOf(field)
      return condition ? [[list, field.name, condition] satisfies TextFilter] : []
    })
  })

function conditionOf({ name, type }: GraphQLInputField): TextFilter[2] | undefined {
  const named = getNamedType(type)
  if (named === GraphQLString) return ['text', 'search'].includes(name) ? quoted : undefined
  if (!isInputObjectType(named) || !('contains' in named.getFields())) return undefined
  return 'path' in named.getFields()
    ? (text) => `[{ path: ["model"], contains: ${quoted(text)} }]`
    : (text) => `{ contains: ${quoted(text)} }`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}

const TEXTS = ['', 'x'.repeat(1_000), 'e_%'.repeat(333)]

/** What the tenant has of anything, times the parts of a plan that look at it. */
const FEW = 60

// The last is the one with chunks, where there is one: those without are read here where the database is embedded.
describe.each(ENGINES.slice(-1))('beside large tenants, on $dump', ({ extension }) => {
  let drop: () => Promise<unknown>
  let tenant: Tenant
  let serviceUrl: string
  beforeAll(async () => {
    const database = await makeMigratedDatabase(extension)
    ;({ serviceUrl } = database)
    const others = Array.from({ length: 30 }, () => randomUUID())
    await on(database.url, (admin) => fillHistory(admin, others, { ...SHAPE, simulations: 10 }))
    const arc = new Arc({ DATABASE_URL: serviceUrl })
    await arc.start()
    drop = async () => {
      await arc.stop()
      await database.drop()
    }
    tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    await tenant.record(
      ['a', 'b', 'c'].map((scenarioId) => ({
        simulationId,
        scenarioId,
        status: 'ERROR',
        error: 'ToolError: it failed',
        toolUsage: [{ toolName: 'refund', callCount: 1, successRate: 0 }],
      })),
    )
  }, 120_000)
  afterAll(() => drop())

  it.each(TEXT_FILTERS)('%s by %s looks at the tenant’s rows only', async (list, field, condition) => {
    for (const text of TEXTS) {
      const query = `{ ${list}(first: 20, filter: { ${field}: ${condition(text)} }) { totalCount nodes { __typename } } }`
      const counts = await rowsReadDuring(serviceUrl, tenant, () => tenant.data(query))
      expect(counts.length).toBeGreaterThan(0)
      for (const { statement, rows } of counts)
        expect(rows, `${text.slice(0, 9)}: ${statement}`).toBeLessThan(FEW)
    }
  })
})
