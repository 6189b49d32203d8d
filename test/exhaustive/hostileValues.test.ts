import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLScalarType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
} from 'graphql'
import { beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { ERROR_CODES } from '../../src/refusal.ts'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

/** What programs send by mistake and strangers on purpose, whatever the type of the argument. */
const HOSTILE: readonly unknown[] = [
  'NUL \u0000 in it',
  'half a pair: \ud800',
  'x'.repeat(5_000),
  '',
  '%_\\',
  "'; drop table outcomes; --",
  '01890a5d-ac96-774b-bcce-b302099a8057',
  '275760-09-13T00:00:00.000Z',
  '-271821-04-20T00:00:00.000Z',
  '0001-01-01T00:00:00Z',
  Buffer.from('["createdAt","x"]').toString('base64url'),
  1e300,
  -1e300,
  2 ** 31,
  2 ** 53,
  0.5,
  -1,
  0,
  true,
  null,
  [],
  {},
  [[[]]],
  JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`),
  JSON.parse('{"__proto__": {"polluted": true}}'),
]

/**
 * What is refused before any resolver runs is refused in one way wherever it stands: within an object it is asked at the
 * first place of its type, then what gets through.
 */
function hostileValues(type: GraphQLScalarType, depth: number): unknown[] {
  if (depth > 0 && met.has(type)) return HOSTILE.filter((value) => value === null || accepts(type, value))
  met.add(type)
  return [...HOSTILE]
}
const met = new Set<GraphQLScalarType>()

function accepts(type: GraphQLScalarType, value: unknown): boolean {
  try {
    type.parseValue(value)
    return true
  } catch {
    return false
  }
}

/** An input of the type for each hostile value at each place that takes one. */
function hostileInputs(type: GraphQLInputType, depth = 0): unknown[] {
  if (isNonNullType(type)) return hostileInputs(type.ofType, depth)
  if (isListType(type)) return [[], ...hostileInputs(type.ofType, depth).map((item) => [item])]
  if (isEnumType(type)) return ['NOPE']
  if (isScalarType(type)) return hostileValues(type, depth)
  const least = plainInput(type) as Record<string, unknown>
  if (depth > 3) return [least]
  return Object.values(type.getFields()).flatMap((field) =>
    hostileInputs(field.type, depth + 1).map((value) => ({
      ...(type.isOneOf ? {} : least),
      [field.name]: value,
    })),
  )
}

/** The least that the type takes. */
function plainInput(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return plainInput(type.ofType)
  if (isListType(type)) return [plainInput(type.ofType)]
  if (isEnumType(type)) return type.getValues()[0]!.name
  if (isInputObjectType(type))
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter((field, index) => isRequiredInputField(field) || (type.isOneOf && index === 0))
        .map((field) => [field.name, plainInput(field.type)]),
    )
  const plain: Record<string, unknown> = {
    UUID: '01890a5d-ac96-774b-bcce-b302099a8057',
    DateTime: '2026-11-01T00:00:00Z',
    JSONObject: {},
    Boolean: true,
    String: 'text',
    ID: 'text',
  }
  return plain[type.name] ?? 1
}

/** All leaves, and those of the lists in a page or a payload. */
function selection(type: GraphQLOutputType): string {
  const named = getNamedType(type)
  if (!isCompositeType(named)) return ''
  const fields = isObjectType(named) ? Object.values(named.getFields()) : []
  const chosen = fields
    .filter((field) => field.args.length === 0)
    .flatMap((field) => {
      if (!isCompositeType(getNamedType(field.type))) return [field.name]
      return ['nodes', 'errors', 'receipts'].includes(field.name) ? [field.name + selection(field.type)] : []
    })
  return ` { __typename ${chosen.join(' ')} }`
}

interface Question {
  query: string
  variables: Record<string, unknown>
}

function* questions(
  operation: string,
  field: GraphQLField<unknown, unknown>,
  wrap: (selection: string) => string,
): Generator<Question> {
  for (const hostile of field.args) {
    const given: readonly GraphQLArgument[] = field.args.filter(
      (argument) => argument === hostile || isRequiredArgument(argument),
    )
    const query = `${operation} (${given.map(({ name, type }) => `$${name}: ${type}`)}) {
      ${wrap(`${field.name}(${given.map(({ name }) => `${name}: $${name}`)})${selection(field.type)}`)}
    }`
    for (const value of hostileInputs(hostile.type)) {
      const others = given.filter((argument) => argument !== hostile)
      const variables = Object.fromEntries(others.map(({ name, type }) => [name, plainInput(type)]))
      yield { query, variables: { ...variables, [hostile.name]: value } }
    }
  }
}

/** Questions under way. */
const AT_A_TIME = 20

/** What no answer may tell: tables, constraints, statements, files, stacks. */
const INSIDE =
  /_pkey|_fkey|_check\b|relation "|violates|prisma|node_modules|\.ts\b|\.js:|\bat \w+ \(|select .* from|SQLSTATE|pg_|store\./i

async function expectNoFault(tenant: Tenant, asked: Iterable<Question>): Promise<void> {
  const questions = [...asked]
  expect(questions.length).toBeGreaterThan(1)
  while (questions.length > 0) {
    await Promise.all(questions.splice(0, AT_A_TIME).map((question) => judge(tenant, question)))
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
}

async function judge(tenant: Tenant, { query, variables }: Question): Promise<void> {
  const { data, errors = [] } = await tenant.ask(query, variables)
  const refusals = [...errors.map(({ message, extensions }) => ({ message, code: extensions.code }))]
  for (const payload of Object.values(data ?? {}) as any[]) refusals.push(...(payload?.errors ?? []))
  for (const { message, code } of refusals) {
    const judged = { query, variables, message, code, isKnown: Object.hasOwn(ERROR_CODES, code) }
    expect(judged).toMatchObject({ isKnown: true })
    expect(judged).not.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
    // What the client itself sent may be said again.
    if (!JSON.stringify(variables).includes('drop table')) expect(message).not.toMatch(INSIDE)
  }
}

const fieldsOf = (name: string) => {
  const type = schema.getType(name)
  return isObjectType(type) ? Object.values(type.getFields()) : []
}
const taking = (fields: GraphQLField<unknown, unknown>[]) => fields.filter(({ args }) => args.length > 0)

describe('a mistake of the client is never a fault of the server:', () => {
  let tenant: Tenant
  beforeAll(async () => {
    tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'ERROR', error: 'no' }])
  })

  // Those that are active are read as all simulations are.
  const roots = taking(fieldsOf('Query')).filter(({ name }) => name !== 'activeSimulations')

  it.each(roots.map((field) => [field.name, field] as const))('Query.%s', async (_, field) =>
    expectNoFault(
      tenant,
      questions('query', field, (text) => text),
    ),
  )

  it.each(taking(fieldsOf('Mutation')).map((field) => [field.name, field] as const))(
    'Mutation.%s',
    async (_, field) =>
      expectNoFault(
        tenant,
        questions('mutation', field, (text) => text),
      ),
  )

  // Nested lists are read by statements of our own, not by Prisma's. What is listed below one parent and below another is
  // read by the same statement: once is enough.
  const lists = new Map(
    fieldsOf('Query')
      .filter(({ type }) => getNamedType(type).name.endsWith('Connection'))
      .flatMap((list) => {
        const row = getNamedType(list.type).name.replace(/Connection$/, '')
        return taking(fieldsOf(row)).map((field) => {
          const of = getNamedType(field.type).name
          return [
            of.endsWith('Connection') ? of : `${row}.${field.name}`,
            [`${row}.${field.name}`, list, field] as const,
          ]
        })
      }),
  )
  const nested = [...lists.values()]

  it.each(nested)('%s', async (_, list, field) =>
    expectNoFault(
      tenant,
      questions('query', field, (text) => `${list.name}(first: 1) { nodes { ${text} } }`),
    ),
  )
})

describe('a filter of whole numbers', () => {
  it.each([
    [{ eq: 2 }, [2]],
    [{ eq: 1.5 }, []],
    [{ gt: 1.5 }, [2, 3]],
    [{ gte: 1.5 }, [2, 3]],
    [{ gt: 2 }, [3]],
    [{ lt: 2.5 }, [1, 2]],
    [{ lte: 2.5 }, [1, 2]],
    [{ lt: 2 }, [1]],
    [{ gt: 1, lt: 2 }, []],
    [{ gte: 2, lte: 2 }, [2]],
    [{ gt: 1e300 }, []],
    [{ lt: 1e300 }, [1, 2, 3]],
    [{ gte: -1e300, lt: 3 }, [1, 2]],
    [{ lt: -1e300 }, []],
    [{ eq: 2 ** 31 }, []],
    [{}, [1, 2, 3]],
  ])('%o finds %o, at the root and in other lists', async (repetition, found) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
    const { simulation, simulationScenarios } = await tenant.data(
      `query ($id: UUID!, $filter: SimulationScenarioFilter) {
        simulationScenarios(filter: $filter) { nodes { repetition } }
        simulation(simulationId: $id) { runs(filter: $filter) { totalCount nodes { repetition } } }
      }`,
      { id: simulationId, filter: { repetition } },
    )
    const numbers = ({ nodes }: { nodes: { repetition: number }[] }) =>
      nodes.map((run) => run.repetition).sort()
    expect(numbers(simulationScenarios)).toEqual(found)
    expect(numbers(simulation.runs)).toEqual(found)
    expect(simulation.runs.totalCount).toBe(found.length)
  })
})
