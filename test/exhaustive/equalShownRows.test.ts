import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { type FieldNode, type GraphQLObjectType, getNamedType, Kind, parse, print, visit } from 'graphql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseExactly, stringifyExactly } from '../../src/exactNumbers.ts'
import { schema } from '../../src/graphql/schema.ts'
import { Arc, type Tenant, useArc } from '../support/arc.ts'
import { GraphQLSocket } from '../support/graphqlWs.ts'
import { addHardRows } from '../support/hardRows.ts'
import { KnownRows } from '../support/knownRows.ts'
import { answersOf } from '../support/learnedRows.ts'
import { operationAlong, type RandomOperation } from '../support/randomOperation.ts'
import { everyRoute, type Route } from '../support/schemaRoutes.ts'
import { SEED } from '../support/seed.ts'
import { seedTenant } from '../support/tenantRows.ts'

/** How often each mutation is carried out, by how many random queries are asked elsewhere. */
const ROUNDS = Math.max(2, Math.ceil(Number(process.env.ARC_TEST_QUERIES ?? 800) / 400))
/** Subscriptions that see the same events, each with a selection of its own. */
const VIEWS = 6

const SIZES = { rootFields: 1, depth: 5, fields: 10, connections: 3 }
const ROLES = ['app_user', 'app_user', 'app_ingest', 'app_admin'] as const

/** What is another at each moment. */
const VOLATILE = /\b(runtimeMs|lastUsedAt|at)\b/

const SETTINGS = { ARC_MAX_COST: '1000000000', ARC_MAX_SUBSCRIPTION_COST: '1000000000' }
const arc = useArc({ ...SETTINGS })
const byResolvers = new Arc({ ...SETTINGS, ARC_COMPILED_READS: 'off' })
const sockets: GraphQLSocket[] = []
beforeAll(() => byResolvers.start())
afterAll(async () => {
  await Promise.all(sockets.map((socket) => socket.close()))
  await byResolvers.stop()
})

const mutations = schema.getMutationType()!.getFields()
const everyWay = everyRoute(schema)
const TO_SIMULATION: Route = {
  coordinate: 'SimulationEvent.simulation',
  steps: [
    { type: 'Subscription', field: 'simulationEvents' },
    { type: 'SimulationEvent', field: 'simulation' },
  ],
  inputFields: [],
}

/** The field of Query that shows rows of the type by their key. */
function byKey(type: string): { field: string; key: string; keyType: string } {
  const { name, args } = Object.values(schema.getQueryType()!.getFields()).find(
    ({ extensions, type: shown }) => extensions.byKey && getNamedType(shown).name === type,
  )!
  return { field: name, key: args[0]!.name, keyType: String(args[0]!.type) }
}

interface ShownField {
  field: string
  type: string
}

/** The fields of payloads that show a row, by mutation. */
const shownFields = new Map<string, ShownField[]>()
for (const { name, type } of Object.values(mutations)) {
  const fields = Object.values((getNamedType(type) as GraphQLObjectType).getFields())
    .filter(({ extensions }) => extensions.showsRow)
    .map((field) => ({ field: field.name, type: getNamedType(field.type).name }))
  if (fields.length > 0) shownFields.set(name, fields)
}

/** What is asked of a row. */
interface Selection {
  /** In its braces. */
  text: string
  fragments: string
  /** Of its variables. */
  definitions: string[]
  variables: Record<string, unknown>
}

/** What a random operation along one of the routes asks of the field at its root. */
function selectionAlong(routes: readonly Route[], known: KnownRows, number: number): Selection {
  for (let attempt = 0; ; attempt++) {
    const [operation] = fc.sample(
      operationAlong(schema, routes[(number + attempt) % routes.length]!, known, SIZES),
      { seed: SEED + 1_000 * number + attempt, numRuns: 1 },
    ) as [RandomOperation]
    const selection = operation.kindly && !VOLATILE.test(operation.query) && selectionOf(operation)
    if (selection) return selection
  }
}

function selectionOf({ query, variables }: RandomOperation): Selection | undefined {
  const [operation, ...fragments] = parse(query).definitions
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return undefined
  const { selectionSet } = operation.selectionSet.selections[0] as FieldNode
  if (!selectionSet) return undefined
  const used = new Set<string>()
  for (const part of [selectionSet, ...fragments])
    visit(part, {
      Variable: ({ name }) => {
        used.add(name.value)
      },
    })
  const { variableDefinitions = [] } = operation
  return {
    text: print(selectionSet),
    fragments: fragments.map(print).join('\n'),
    definitions: variableDefinitions.filter(({ variable }) => used.has(variable.name.value)).map(print),
    variables: Object.fromEntries(Object.entries(variables).filter(([name]) => used.has(name))),
  }
}

/** With all digits; of ids that are told in messages only that they are there. */
async function answerTo(server: Arc, query: string, variables: object, token: string): Promise<any> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  })
  return parseExactly(withoutRequestIds(await response.text()))
}

function withoutRequestIds(text: string): string {
  return text.replace(/[0-9a-f-]{36}\./g, 'id.')
}

/** A row of an answer, and what is said of it. */
function rowAt({ data, errors = [] }: any, path: readonly string[]): string {
  const below = errors
    .filter((error: any) => path.every((key, index) => error.path?.[index] === key))
    .map(({ message, path: at, extensions: { code } }: any) => ({
      message,
      path: at.slice(path.length),
      code,
    }))
  return stringifyExactly({ row: path.reduce((at, key) => at?.[key], data) ?? null, errors: below })
}

/** Their keys by `key_` and the field; `more` is asked for as well. */
function mutationOf(name: string, definitions: readonly string[] = [], more = ''): string {
  const keys = shownFields
    .get(name)!
    .map(({ field, type }) => `key_${field}: ${field} { ${byKey(type).key} }`)
  const variables = [`$input: ${mutations[name]!.args[0]!.type}`, ...definitions].join(', ')
  return `mutation (${variables}) { m: ${name}(input: $input) { ${keys.join(' ')} ${more} errors { code message } } }`
}

async function carryOut(tenant: Tenant, name: string, input: object): Promise<any> {
  const role = name === 'purge' ? 'app_admin' : 'app_user'
  const { data, errors } = await answerTo(arc, mutationOf(name), { input }, await tenant.token(role))
  expect({ name, errors: errors ?? data.m.errors }).toEqual({ name, errors: [] })
  return data.m
}

type Mutate = (name: string, input: object) => Promise<any>

/** Carries out every mutation that shows a row. `whenChanged`: where something else has changed, before what comes next. */
async function everyMutation(
  tenant: Tenant,
  mutate: Mutate,
  whenChanged: () => Promise<void> = async () => {},
): Promise<void> {
  const unique = randomUUID().replaceAll('-', '_')
  const made = await mutate('createConfiguration', { name: `agent ${unique}`, yaml: 'model: gpt-4\n' })
  const { configId } = made.key_configuration
  const { versionId } = made.key_version
  const version = async (yaml: string) =>
    (await mutate('createConfigVersion', { configId, yaml })).key_version.versionId as string
  const diffOf = async (id: string) => {
    const { configVersion } = await tenant.data(
      'query ($id: UUID!) { configVersion(versionId: $id) { diffs { nodes { diffId } } } }',
      { id },
    )
    return configVersion.diffs.nodes[0] as { diffId: string }
  }
  const second = await version(`model: gpt-4\nprompt: ${unique}\n`)
  await mutate('approveConfigDiff', await diffOf(second))
  await mutate('withdrawConfigDiffDecision', await diffOf(second))
  await mutate('rejectConfigDiff', await diffOf(await version('model: gpt-4\ntemperature: 0.9\n')))
  await mutate('setLatestVersion', { configId, versionId })
  await mutate('withdrawConfigVersion', { versionId: second.toUpperCase() })
  await mutate('describeConfiguration', { configId: configId.toUpperCase(), description: '👩‍👩‍👧 "\\' })

  const [scenarioId, spare] = await tenant.scenarios(`scenario_${unique}`, `spare_${unique}`)
  const start = async (more: object) =>
    (await mutate('startSimulation', { configVersionId: versionId, scenarioIds: [scenarioId], ...more }))
      .key_simulation.simulationId as string
  const simulationId = await start({ metadata: { k: 1e21, 'a"b': [null] }, repetitions: 2 })
  await mutate('describeSimulation', { simulationId, description: '\u2028\u0001', tags: ['%'] })
  await mutate('heartbeat', { simulationId, scenarioId })
  const ended = (repetition: number, status: string) => ({ simulationId, scenarioId, repetition, status })
  const { receipts } = await tenant.record([
    { ...ended(1, 'SUCCESS'), reliabilityScore: 0.3, costUsd: 999_999, trajectory: { messages: [] } },
    { ...ended(2, 'ERROR'), error: 'ValueError: no', errorCode: 'E', costUsd: 1e-12 },
  ])
  await whenChanged()
  await mutate('extendSimulation', { simulationId, repetitions: 3 })
  const { outcomeId } = receipts[0]
  const note = (await mutate('addOutcomeNote', { outcomeId, text: 'Seen.' })).key_note
  await mutate('editOutcomeNote', { ...note, text: 'Seen again.' })
  await mutate('deleteOutcomeNote', note)
  const { key_recommendation: recommendation } = await mutate('createRecommendation', {
    sourceType: 'SIMULATION',
    sourceId: simulationId,
    recommendationType: 'CONFIG_CHANGE',
    description: 'Lower the temperature.',
    confidence: 0.1 + 0.2,
  })
  await mutate('dismissRecommendation', { ...recommendation, reason: 'We know.' })
  await mutate('withdrawRecommendationDismissal', recommendation)
  await mutate('applyRecommendation', recommendation)
  await mutate('rateRecommendation', { ...recommendation, score: 3 })
  await mutate('revokeApiKey', (await mutate('createApiKey', { name: unique, scope: 'READ' })).key_apiKey)
  await mutate('completeSimulation', { simulationId })
  await mutate('failSimulation', { simulationId: await start({}), errorMessage: 'broke' })
  await mutate('cancelSimulation', { simulationId: await start({}) })

  const there = async (name: string, input: object) =>
    mutate('undelete', (await mutate(name, input)).key_deletion)
  await there('deleteSimulation', { simulationId: simulationId.toUpperCase() })
  await there('deleteScenario', { scenarioId: spare })
  await mutate('archiveConfiguration', { configId })
  await mutate('restoreConfiguration', { configId })
  await there('deleteConfiguration', { configId })
  await mutate('purge', (await mutate('deleteConfiguration', { configId })).key_deletion)
  const { key_rule: rule } = await mutate('createAlertRule', {
    name: '👩‍👩‍👧 "\\',
    kind: 'ERROR_RATE',
    threshold: 0.1 + 0.2,
  })
  await mutate('updateAlertRule', { ...rule, recoveryThreshold: 1e-7, enabled: false })
  await mutate('rotateAlertSecret', { ruleId: rule.ruleId.toUpperCase() })
  await mutate('deleteAlertRule', rule)
}

async function hardTenant(): Promise<{ tenant: Tenant; known: KnownRows }> {
  const { tenant } = await seedTenant(arc)
  await addHardRows(arc, tenant)
  const known = new KnownRows()
  for (const answer of await answersOf(tenant, known)) known.learn(answer)
  return { tenant, known }
}

it('what mutations show of rows is what their keys show, by resolvers', async () => {
  const { tenant, known } = await hardTenant()
  const different: string[] = []
  const shownOf = new Set<string>()
  let number = 0
  let inRound = 0
  const mutate: Mutate = async (name, input) => {
    number++
    inRound++
    const fields = shownFields.get(name)!
    const { field, type } = fields[number % fields.length]!
    const { field: root, key, keyType } = byKey(type)
    const routes = everyWay.filter(({ steps }) => steps[0]!.type === 'Query' && steps[0]!.field === root)
    const { text, fragments, definitions, variables } = selectionAlong(routes, known, number)
    const mutation = `${mutationOf(name, definitions, `row: ${field} ${text}`)}\n${fragments}`
    const role = name === 'purge' ? 'app_admin' : ROLES[inRound % ROLES.length]!
    const token = await tenant.token(role)
    const shown = await answerTo(arc, mutation, { input, ...variables }, token)
    // Not for this role, or not in a document: nothing was carried out.
    if (!shown.data?.m || shown.data.m.errors.length > 0) return carryOut(tenant, name, input)
    const keyOf = shown.data.m[`key_${field}`]
    // Of another kind, or deleted.
    if (keyOf === null) return shown.data.m
    shownOf.add(name)
    const query = `query (${[`$key: ${keyType}`, ...definitions].join(', ')}) { row: ${root}(${key}: $key) ${text} }\n${fragments}`
    const expected = await answerTo(byResolvers, query, { ...variables, key: keyOf[key] }, token)
    const [ours, theirs] = [rowAt(shown, ['m', 'row']), rowAt(expected, ['row'])]
    // What one field may not read spoils the transaction of all resolvers.
    const bothForbid = [ours, theirs].every((each) => each.includes('"FORBIDDEN"'))
    if (ours !== theirs && !bothForbid)
      different.push(
        `ARC_TEST_SEED=${SEED}, mutation ${number}, ${role}:\n${mutation}\n${JSON.stringify({ input, ...variables })}\nshown:     ${ours.slice(0, 1_000)}\nresolvers: ${theirs.slice(0, 1_000)}`,
      )
    return shown.data.m
  }
  for (let round = 0; round < ROUNDS; round++) {
    // Another role than in the round before, however many mutations there are.
    inRound = round
    await everyMutation(tenant, mutate)
  }
  expect(different.slice(0, 5).join('\n\n')).toBe('')
  // What is deleted is not shown any more.
  expect([...shownFields.keys()].filter((name) => !shownOf.has(name))).toEqual([
    'deleteAlertRule',
    'deleteOutcomeNote',
  ])
}, 600_000)

it('events are shown the same by statements and by resolvers', async () => {
  const { tenant, known } = await hardTenant()
  const token = await tenant.token()
  const both = [arc, byResolvers].map(
    ({ webSocketUrl }) => new GraphQLSocket(webSocketUrl, { authorization: `Bearer ${token}` }),
  )
  sockets.push(...both)
  const latest = async (): Promise<number> => (await tenant.data('{ latestChange }')).latestChange
  const different: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    let seq = await latest()
    const views = new Set(
      Array.from({ length: VIEWS }, (_, index) => {
        const { text, fragments, definitions, variables } = selectionAlong(
          [TO_SIMULATION],
          known,
          VIEWS * round + index,
        )
        const query = `subscription (${['$from: SafeInt!', ...definitions].join(', ')}) { changes(afterSeq: $from) { seq event ${text} } }\n${fragments}`
        return { query, results: both.map((socket) => socket.results(query, { ...variables, from: seq })) }
      }),
    )
    /** Nothing else happens until all have seen what did. */
    const compare = async () => {
      for (const to = await latest(); seq < to; seq++)
        for (const view of views) {
          const [ours, theirs] = await Promise.all(
            view.results.map(async (results) => {
              const { data, errors } = (await results.next()).value ?? {}
              const told = errors?.map(({ message, extensions: { code } }: any) => ({ message, code }))
              return withoutRequestIds(stringifyExactly({ data, errors: told }))
            }),
          )
          if (ours !== theirs)
            different.push(`ARC_TEST_SEED=${SEED}:\n${view.query}\nstatement: ${ours}\nresolvers: ${theirs}`)
          // It ends with an event that cannot be shown.
          if (ours !== theirs || ours!.includes('"errors":')) views.delete(view)
        }
    }
    const mutate: Mutate = async (name, input) => {
      const shown = await carryOut(tenant, name, input)
      await compare()
      return shown
    }
    await everyMutation(tenant, mutate, compare)
    expect(views.size).toBeGreaterThan(0)
    for (const { results } of views) for (const each of results) await each.return!()
  }
  expect(different.slice(0, 5).join('\n\n')).toBe('')
}, 600_000)
