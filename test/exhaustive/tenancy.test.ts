import { beforeAll, describe, expect, it } from 'vitest'
import type { Role } from '../../src/viewer.ts'
import { type Answer, type Tenant, useArc } from '../support/arc.ts'
import {
  collectValues,
  filterQuestions,
  type KnownValues,
  keyQuestions,
  leavesOf,
  listQuestions,
  namesOf,
  orderQuestions,
  type Question,
  SIMILAR_FIELDS,
  TENANTLESS_FIELDS,
} from '../support/everyQuery.ts'
import { hourOf } from '../support/modelFigures.ts'
import { rowsOf, type SeededTenant, seedTenant, twinOf } from '../support/tenantRows.ts'

// Asked for is everything at once, in pages of 50: more than a server has to grant.
const arc = useArc({
  ARC_MAX_COST: '1000000000',
  ARC_MAX_BREADTH: '1000',
  ARC_MAX_ALIASES: '1000',
  ARC_MAX_TOKENS: '100000',
})

/** Its rows are what everybody is after. */
let owner: SeededTenant
/** Has the same rows under the same keys. */
let twin: SeededTenant
/** Global ids of the owner, by type. */
const nodeIds = new Map<string, string>()
const known: KnownValues = new Map()
/** The same, of the rows of one list only. */
const knownOfList = new Map<string, KnownValues>()

beforeAll(async () => {
  owner = await seedTenant(arc)
  twin = await twinOf(arc, owner)
  for (const { name, query, variables } of listQuestions()) {
    const data = await owner.tenant.data(query, variables)
    collectValues(data, known)
    knownOfList.set(name, leavesOf(data[name].nodes))
    if (name === 'simulations')
      known.set('configVersionId', data.simulations.nodes[0].configVersion.versionId)
    collectNodeIds(data)
  }
  for (const [name, value] of Object.entries({
    ids: [...nodeIds.values()],
    text: owner.marker,
    isRevoked: false,
    isOpen: false,
    'ToolAnalyticsFilter.simulationId': knownOfList.get('toolUsage')!.get('simulationId'),
    'ToolAnalyticsFilter.scenarioId': 'refund',
    // Not each simulation has one of each.
    ...Object.fromEntries(
      ['simulationId', 'outcomeId'].map((name) => [
        `FailureGroupFilter.${name}`,
        knownOfList.get('failurePatterns')!.get(name),
      ]),
    ),
    'DailyStatsFilter.hour': hourOf(String(knownOfList.get('outcomes')!.get('executionTime'))),
    'SystemPerformanceFilter.createdAt': knownOfList.get('simulations')!.get('createdAt'),
    search: owner.marker,
    'ConfigVersionFilter.parsedConfig': [{ path: ['model'], eq: owner.marker }],
    'SimulationFilter.metadata': [{ path: ['marker'], eq: owner.marker }],
    'FailurePatternFilter.group': knownOfList.get('failurePatterns')!.get('signature'),
    'FailureGroupFilter.group': knownOfList.get('failurePatterns')!.get('signature'),
    'FailurePatternFilter.scenarioId': 'cancel',
    'FailureGroupFilter.scenarioId': 'cancel',
    'ToolUsageFilter.scenarioId': 'refund',
    scope: 'ALL',
    'changes(afterSeq)': 0,
    'changes(first)': 50,
    'SimulationFilter.simulationName': `running ${owner.marker}`,
    difficultyLevel: 'MEDIUM',
    tags: [owner.marker],
    before: known.get('versionBefore'),
    after: known.get('versionAfter'),
    yaml: `model: ${owner.marker}`,
    baseline: known.get('simulationId'),
    candidates: [known.get('simulationId')],
    candidate: known.get('simulationId'),
    baselineOutcomeId: known.get('outcomeId'),
    candidateOutcomeId: known.get('outcomeId'),
  })) {
    known.set(name, value)
  }
})

function collectNodeIds(answer: unknown): void {
  if (Array.isArray(answer)) for (const item of answer) collectNodeIds(item)
  else if (answer !== null && typeof answer === 'object') {
    const { __typename, id } = answer as { __typename?: string; id?: string }
    if (__typename && id) nodeIds.set(__typename, id)
    for (const value of Object.values(answer)) collectNodeIds(value)
  }
}

/** An answer as it would be for another tenant that has the same rows. */
function asSeenBy(to: SeededTenant, from: SeededTenant, data: unknown): unknown {
  return JSON.parse(
    JSON.stringify(data)
      .replaceAll(from.marker, to.marker)
      .replaceAll(from.tenant.tenantId, to.tenant.tenantId)
      .replace(TOOL_USAGE_IDS, (id) => base64(readableId(id).replaceAll(from.marker, to.marker))),
  )
}

/** Those of tool usage, which have names in them. */
const TOOL_USAGE_IDS = /(?<=")VG9vbFVzYWdl[A-Za-z0-9+/]+={0,2}(?=")/g
const base64 = (text: string) => Buffer.from(text).toString('base64')
const readableId = (id: string) => Buffer.from(id, 'base64').toString()

function expectNothingOf(victim: SeededTenant, answer: Answer): void {
  const text = JSON.stringify([answer.data, answer.errors]).replace(TOOL_USAGE_IDS, readableId)
  expect(text).not.toContain(victim.marker)
  expect(text).not.toContain(victim.tenant.tenantId)
}

/** Nothing: null, 0, an empty page, or a list of such. */
const hasSums = (
  value: any,
): value is { summary: any; previous: any; buckets: any[]; groups: any; metrics: any; tools: any } =>
  value?.__typename === 'Performance'

const isComparison = (
  value: any,
): value is { baseline: any; candidate: any; counts: object; scenarios: any } =>
  value?.__typename === 'SimulationComparison'

/** The figures of no scenario. */
const isOfNothing = ({ totals, passAtK, failureDrift }: any) => {
  for (const { scenarios, baselineMean, candidateMean } of totals)
    expect([scenarios, baselineMean, candidateMean]).toEqual([0, null, null])
  for (const { baseline, candidate } of passAtK)
    expect([baseline.scenarios, candidate.scenarios]).toEqual([0, 0])
  expect(failureDrift).toMatchObject({ scenarios: 0, categories: [] })
}
const isGrouping = (value: any): value is { signatures: number; grouped: number; model: string | null } =>
  value?.__typename === 'FailureGrouping'

function expectEmpty(value: unknown): void {
  if (Array.isArray(value)) for (const item of value) expectEmpty(item)
  // Of what was asked, that nothing is there.
  else if (isComparison(value)) {
    const { baseline, candidate, counts, scenarios } = value
    expectEmpty([baseline, candidate, scenarios, Object.values({ ...counts, __typename: 0 })])
    isOfNothing(value)
  }
  // How failures are grouped is told to everybody.
  else if (isGrouping(value)) expect([value.signatures, value.grouped, value.model]).toEqual([0, 0, null])
  // A range of time there is for everybody.
  else if (hasSums(value)) {
    for (const { attempts, costUsd } of [value.summary, value.previous, ...value.buckets])
      expect([attempts, costUsd]).toEqual([0, null])
    expectEmpty([value.groups, value.metrics, value.tools])
  } else if (value !== null && value !== 0) expect(value).toMatchObject({ nodes: [], totalCount: 0 })
}

const onlyField = (data: Record<string, unknown>) => Object.values(data)[0]

describe('a query', () => {
  it('is asked in this file whatever field of Query it begins with', () => {
    const asked = new Set([...listQuestions(), ...keyQuestions(known)].map(({ name }) => name))
    const elsewhere = [...TENANTLESS_FIELDS, ...SIMILAR_FIELDS]
    expect(namesOf('Query').filter((name) => !asked.has(name) && !elsewhere.includes(name))).toEqual([])
    expect([...nodeIds.keys()].sort()).toEqual(namesOf('Node').sort())
  })

  it.each([
    ['lists', listQuestions],
    ['filters', () => filterQuestions(known, knownOfList)],
    ['keys', () => keyQuestions(known)],
  ])(
    'finds with %s its own rows, nothing for one who has none, and another’s never',
    async (_, questions) => {
      const stranger = arc.tenant()
      for (const { name, query, variables } of questions()) {
        const theirs = asSeenBy(twin, owner, variables) as Question['variables']
        const [answer, strangers, twins] = await Promise.all([
          owner.tenant.ask(query, variables),
          stranger.ask(query, variables),
          twin.tenant.ask(query, theirs),
        ])
        expect(answer.errors, name).toBeUndefined()
        expect(JSON.stringify(answer.data), name).toMatch(
          /"__typename":"(?!\w+Connection")|^{"\w+":[1-9]\d*}$/,
        )

        expect(strangers.errors, name).toBeUndefined()
        expectNothingOf(owner, strangers)
        expectEmpty(onlyField(strangers.data))

        expectNothingOf(owner, twins)
        expect(twins.data, name).toEqual(asSeenBy(twin, owner, answer.data))
      }
    },
    120_000,
  )

  it('of app_readonly or app_admin finds its own rows as app_user does, and another’s never', async () => {
    const stranger = arc.tenant()
    for (const { name, query, variables } of [...listQuestions(), ...keyQuestions(known)]) {
      const own = await owner.tenant.data(query, variables)
      for (const role of ['app_readonly', 'app_admin'] as const) {
        const { data, errors } = await owner.tenant.ask(query, variables, role)
        expect({ name, role, data, errors }).toEqual({ name, role, data: own, errors: undefined })
        const strangers = await stranger.ask(query, variables, role)
        expect(strangers.errors, name).toBeUndefined()
        expectNothingOf(owner, strangers)
        expectEmpty(onlyField(strangers.data))
      }
    }
  }, 120_000)

  it('of app_ingest is told what results belong to, nothing of the results, and another’s never', async () => {
    const leaves = (name: string) => `{ ${name}(first: 50) { totalCount nodes { __typename } } }`
    const seen: string[] = []
    const stranger = arc.tenant()
    for (const { name, query, variables } of [...listQuestions(), ...keyQuestions(known)]) {
      // Asked for all at once, what may not be seen is among it.
      const { errors = [] } = await owner.tenant.ask(query, variables, 'app_ingest')
      expect(new Set(errors.map(({ extensions }) => extensions.code)), name).toEqual(
        // Sums of what simulations say of themselves, and of keys its own, which it has not.
        new Set(
          [
            'apiKey',
            'apiKeys',
            'changes',
            'deletion',
            'deletions',
            'latestChange',
            'systemPerformance',
          ].includes(name)
            ? []
            : ['FORBIDDEN'],
        ),
      )
      expectNothingOf(owner, await stranger.ask(query, variables, 'app_ingest'))
    }
    for (const { name } of listQuestions()) {
      const { errors, data } = await owner.tenant.ask(leaves(name), {}, 'app_ingest')
      if (!errors && data[name].totalCount > 0) seen.push(name)
      expectEmpty(onlyField((await stranger.ask(leaves(name), {}, 'app_ingest')).data ?? { none: null }))
    }
    expect(seen.sort()).toEqual([
      'activeSimulations',
      'configDiffs',
      'configVersions',
      'configurations',
      'deletions',
      'scenarios',
      'simulationScenarios',
      'simulations',
      'systemPerformance',
    ])
  })

  it('finds nothing of another with the other’s cursors', async () => {
    const stranger = arc.tenant()
    for (const { name, query, variables } of orderQuestions()) {
      const { list } = await owner.tenant.data(query, variables)
      expect(list.edges.length, name).toBeGreaterThan(0)
      const cursors = list.edges.map(({ cursor }: { cursor: string }) => cursor)
      for (const beside of [{ after: cursors[0] }, { before: cursors.at(-1) }]) {
        const { data } = await stranger.ask(query, { ...variables, ...beside })
        expect(data, name).toEqual({ list: { totalCount: 0, edges: [] } })
        const twins = await twin.tenant.data(query, { ...variables, ...beside })
        for (const { cursor } of twins.list.edges) {
          expect(Buffer.from(cursor, 'base64url').toString(), name).not.toContain(owner.marker)
        }
      }
    }
  }, 120_000)

  it('finds no node of another by its global id', async () => {
    const stranger = arc.tenant()
    const query = '($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }'
    for (const [type, id] of nodeIds) {
      expect(await owner.tenant.data(`query ${query}`, { ids: [id] })).toEqual({
        nodes: [{ id, __typename: type }],
      })
      expect(await stranger.data(`query ${query}`, { ids: [id] })).toEqual({ nodes: [null] })
    }
  })

  it('of who asks and of how the server is names no other tenant', async () => {
    const stranger = arc.tenant()
    const answer = await stranger.ask('{ viewer { tenantId actorId } health { engine extensions { name } } }')
    expect(answer.data.viewer.tenantId).toBe(stranger.tenantId)
    expectNothingOf(owner, answer)
  })
})

interface Attack {
  mutation: string
  input: object
  /** The code of its refusal; null where another tenant may well use the same key. */
  code: string | null
  /** Who may do it, where that is not everybody who writes. */
  role?: Role
}

/** What is tried with the owner's keys, by one who has `own`. */
function attacks(own: { configId: unknown; configVersionId: unknown; simulationId: unknown }): Attack[] {
  const [
    configId,
    versionId,
    simulationId,
    outcomeId,
    diffId,
    recommendationId,
    keyId,
    noteId,
    deletionId,
    ruleId,
    signature,
    groupNoteId,
  ] = OWNERS_KEYS.map((name) => known.get(name))
  const outcome = { simulationId, scenarioId: 'refund', status: 'SUCCESS' }
  const result = { scenario: { id: 'refund', task_prompt: 'x' }, trajectory: { status: 'success' } }
  return [
    {
      mutation: 'createConfigVersion',
      input: { configId, yaml: 'model: x' },
      code: 'CONFIGURATION_NOT_FOUND',
    },
    { mutation: 'setLatestVersion', input: { configId, versionId }, code: 'CONFIGURATION_NOT_FOUND' },
    {
      mutation: 'setLatestVersion',
      input: { configId: own.configId, versionId },
      code: 'CONFIG_VERSION_NOT_FOUND',
    },
    {
      mutation: 'createRecommendation',
      input: {
        sourceType: 'SIMULATION',
        sourceId: simulationId,
        recommendationType: 'CONFIG_CHANGE',
        description: 'Lower the temperature.',
        confidence: 0.5,
      },
      code: 'SOURCE_NOT_FOUND',
    },
    { mutation: 'applyRecommendation', input: { recommendationId }, code: 'RECOMMENDATION_NOT_FOUND' },
    {
      mutation: 'dismissRecommendation',
      input: { recommendationId, reason: 'x' },
      code: 'RECOMMENDATION_NOT_FOUND',
    },
    {
      mutation: 'withdrawRecommendationDismissal',
      input: { recommendationId },
      code: 'RECOMMENDATION_NOT_FOUND',
    },
    { mutation: 'generateRecommendations', input: { simulationId }, code: 'SIMULATION_NOT_FOUND' },
    { mutation: 'generateRecommendations', input: { configId }, code: 'CONFIGURATION_NOT_FOUND' },
    {
      mutation: 'rateRecommendation',
      input: { recommendationId, score: 5 },
      code: 'RECOMMENDATION_NOT_FOUND',
    },
    {
      mutation: 'createAlertRule',
      input: { name: 'x', kind: 'COST_PER_DAY', threshold: 1, configId },
      code: 'CONFIGURATION_NOT_FOUND',
    },
    {
      mutation: 'createAlertRule',
      input: { name: 'x', kind: 'STUCK_RUN', threshold: 1, simulationId },
      code: 'SIMULATION_NOT_FOUND',
    },
    { mutation: 'updateAlertRule', input: { ruleId, webhookUrl: null }, code: 'ALERT_RULE_NOT_FOUND' },
    { mutation: 'rotateAlertSecret', input: { ruleId }, code: 'ALERT_RULE_NOT_FOUND' },
    { mutation: 'testAlertRule', input: { ruleId }, code: 'ALERT_RULE_NOT_FOUND' },
    { mutation: 'deleteAlertRule', input: { ruleId }, code: 'ALERT_RULE_NOT_FOUND' },
    { mutation: 'revokeApiKey', input: { keyId }, code: 'API_KEY_NOT_FOUND' },
    { mutation: 'archiveConfiguration', input: { configId }, code: 'CONFIGURATION_NOT_FOUND' },
    { mutation: 'restoreConfiguration', input: { configId }, code: 'CONFIGURATION_NOT_FOUND' },
    { mutation: 'approveConfigDiff', input: { diffId }, code: 'CONFIG_DIFF_NOT_FOUND' },
    { mutation: 'rejectConfigDiff', input: { diffId }, code: 'CONFIG_DIFF_NOT_FOUND' },
    { mutation: 'withdrawConfigDiffDecision', input: { diffId }, code: 'CONFIG_DIFF_NOT_FOUND' },
    {
      mutation: 'startSimulation',
      input: { configVersionId: versionId, scenarioIds: ['own'] },
      code: 'CONFIG_VERSION_NOT_FOUND',
    },
    {
      mutation: 'startSimulation',
      input: { configVersionId: own.configVersionId, scenarioIds: ['refund'] },
      code: 'SCENARIO_NOT_FOUND',
    },
    {
      mutation: 'extendSimulation',
      input: { simulationId, repetitions: 2 },
      code: 'SIMULATION_NOT_FOUND',
    },
    { mutation: 'completeSimulation', input: { simulationId }, code: 'SIMULATION_NOT_FOUND' },
    { mutation: 'failSimulation', input: { simulationId, errorMessage: 'x' }, code: 'SIMULATION_NOT_FOUND' },
    { mutation: 'cancelSimulation', input: { simulationId }, code: 'SIMULATION_NOT_FOUND' },
    { mutation: 'heartbeat', input: { simulationId, scenarioId: 'refund' }, code: 'SIMULATION_NOT_FOUND' },
    { mutation: 'recordOutcome', input: { outcome }, code: 'SIMULATION_NOT_FOUND' },
    { mutation: 'recordOutcomes', input: { outcomes: [outcome] }, code: 'SIMULATION_NOT_FOUND' },
    {
      mutation: 'recordScenarioResults',
      input: { simulationId, results: [result] },
      code: 'SIMULATION_NOT_FOUND',
    },
    {
      mutation: 'amendOutcomes',
      input: { amendments: [{ outcomeId, reliabilityScore: 0 }] },
      code: 'OUTCOME_NOT_FOUND',
    },
    { mutation: 'describeConfiguration', input: { configId, tags: ['x'] }, code: 'CONFIGURATION_NOT_FOUND' },
    { mutation: 'describeSimulation', input: { simulationId, name: 'x' }, code: 'SIMULATION_NOT_FOUND' },
    { mutation: 'withdrawConfigVersion', input: { versionId }, code: 'CONFIG_VERSION_NOT_FOUND' },
    { mutation: 'addOutcomeNote', input: { outcomeId, text: 'x' }, code: 'OUTCOME_NOT_FOUND' },
    { mutation: 'editOutcomeNote', input: { noteId, text: 'x' }, code: 'NOTE_NOT_FOUND' },
    {
      mutation: 'recordEmbeddings',
      input: { model: 'theirs', embeddings: [{ outcomeId, vector: Array(1536).fill(1) }] },
      code: 'OUTCOME_NOT_FOUND',
    },
    { mutation: 'deleteOutcomeNote', input: { noteId }, code: 'NOTE_NOT_FOUND' },
    { mutation: 'noteFailureGroup', input: { signature, note: 'x' }, code: 'FAILURE_NOT_FOUND' },
    { mutation: 'noteFailureGroup', input: { groupId: signature, note: 'x' }, code: 'FAILURE_NOT_FOUND' },
    { mutation: 'editFailureGroupNote', input: { groupNoteId, note: 'x' }, code: 'NOTE_NOT_FOUND' },
    { mutation: 'deleteFailureGroupNote', input: { groupNoteId }, code: 'NOTE_NOT_FOUND' },
    { mutation: 'deleteSimulation', input: { simulationId }, code: 'SIMULATION_NOT_FOUND' },
    { mutation: 'deleteConfiguration', input: { configId }, code: 'CONFIGURATION_NOT_FOUND' },
    { mutation: 'deleteScenario', input: { scenarioId: 'refund' }, code: 'SCENARIO_NOT_FOUND' },
    { mutation: 'undelete', input: { deletionId }, code: 'DELETION_NOT_FOUND' },
    { mutation: 'purge', input: { deletionId }, code: 'DELETION_NOT_FOUND', role: 'app_admin' },
    { mutation: 'createApiKey', input: { name: owner.marker, scope: 'ALL' }, code: null },
    // Last what is allowed: from here on the tenant has rows of its own under the owner's keys.
    {
      mutation: 'recordOutcome',
      input: { outcome: { simulationId: own.simulationId, outcomeId, scenarioId: 'own', status: 'SUCCESS' } },
      code: null,
    },
    {
      mutation: 'startSimulation',
      input: { configVersionId: own.configVersionId, scenarioIds: ['own'], simulationId },
      code: null,
    },
    {
      mutation: 'createConfiguration',
      input: { configId, name: `agent ${owner.marker}`, yaml: 'model: x' },
      code: null,
    },
    {
      mutation: 'upsertScenarios',
      input: { scenarios: [{ scenarioId: 'refund', taskPrompt: 'Do something else.' }] },
      code: null,
    },
  ]
}

const OWNERS_KEYS = [
  'configId',
  'versionId',
  'simulationId',
  'outcomeId',
  'diffId',
  'recommendationId',
  'keyId',
  'noteId',
  'deletionId',
  'ruleId',
  'signature',
  'groupNoteId',
]

/** The same with keys that no tenant has. */
function withNobodysKeys<Value>(value: Value): Value {
  const keys = [...OWNERS_KEYS.map((name) => known.get(name) as string)]
  return JSON.parse(
    keys.reduce(
      (text, key) => text.replaceAll(key, '00000000-0000-7000-8000-00000000dead'),
      JSON.stringify(value).replaceAll('refund', 'nobodys'),
    ),
  )
}

/** Runs a mutation; `declined` is what payload errors or receipts decline. */
async function attempt(tenant: Tenant, { mutation, input }: Attack, role?: Role) {
  const receipts =
    mutation === 'recordOutcome' ? 'receipt' : /^(amend|record|upsert)/.test(mutation) ? 'receipts' : ''
  const query = `mutation ($input: ${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input!) {
    ${mutation}(input: $input) { errors { code message path } ${receipts && `${receipts} { code reason path }`} }
  }`
  const answer = await tenant.ask(query, { input }, role)
  const payload = answer.data?.[mutation]
  const declined = [payload?.errors ?? [], payload?.receipts ?? payload?.receipt ?? []]
    .flat()
    .filter(({ code }: { code: string | null }) => code !== null)
  return { answer, declined }
}

const rowsInDatabase = ({ tenant }: SeededTenant) =>
  arc.sql('admin', (client) => rowsOf(client, tenant.tenantId))

describe('a mutation', () => {
  it('is tried in this file whichever it is', () => {
    const tried = new Set(
      attacks({ configId: '', configVersionId: '', simulationId: '' }).map(({ mutation }) => mutation),
    )
    expect([...tried].sort()).toEqual(namesOf('Mutation').sort())
  })

  it('changes nothing of another tenant, and tells no more of its keys than of keys that nobody has', async () => {
    const stranger = arc.tenant()
    const simulationId = await stranger.simulation(['own'])
    const { configId, versionId } = await stranger.configVersion('own agent')
    const before = await rowsInDatabase(owner)
    for (const attack of attacks({ configId, configVersionId: versionId, simulationId })) {
      const { mutation, code } = attack
      const { answer, declined } = await attempt(stranger, attack, attack.role)
      expect(answer.errors, mutation).toBeUndefined()
      expectNothingOf(owner, answer)
      expect(
        declined.map((each) => each.code),
        mutation,
      ).toEqual(code === null ? [] : [code])
      if (code !== null) {
        const nobodys = await attempt(stranger, withNobodysKeys(attack), attack.role)
        expect(nobodys.declined, mutation).toEqual(withNobodysKeys(declined))
      }
    }
    expect(await rowsInDatabase(owner)).toEqual(before)
  })

  it('of a token that may only read is refused, with its own keys too', async () => {
    const reader = await twinOf(arc, owner)
    await reader.tenant.scenarios('own')
    const before = await rowsInDatabase(reader)
    const own = {
      configId: known.get('configId'),
      configVersionId: known.get('versionId'),
      simulationId: known.get('simulationId'),
    }
    for (const attack of attacks(own)) {
      const { answer } = await attempt(reader.tenant, attack, 'app_readonly')
      expect(
        answer.errors?.map(({ extensions }) => extensions.code),
        attack.mutation,
      ).toEqual(['FORBIDDEN'])
    }
    expect(await rowsInDatabase(reader)).toEqual(before)
  })

  it.each([
    ['app_admin', []],
    [
      'app_ingest',
      [
        'addOutcomeNote',
        'applyRecommendation',
        'approveConfigDiff',
        'archiveConfiguration',
        'createAlertRule',
        'createApiKey',
        'createRecommendation',
        'deleteAlertRule',
        'deleteConfiguration',
        'deleteFailureGroupNote',
        'deleteOutcomeNote',
        'deleteScenario',
        'deleteSimulation',
        'describeConfiguration',
        'describeSimulation',
        'dismissRecommendation',
        'editFailureGroupNote',
        'editOutcomeNote',
        'generateRecommendations',
        'noteFailureGroup',
        'purge',
        'rateRecommendation',
        'rejectConfigDiff',
        'restoreConfiguration',
        'revokeApiKey',
        'rotateAlertSecret',
        'testAlertRule',
        'undelete',
        'updateAlertRule',
        'withdrawConfigDiffDecision',
        'withdrawConfigVersion',
        'withdrawRecommendationDismissal',
      ],
    ],
  ] as const)(
    'of %s is refused these and no others: %j, and changes no other tenant',
    async (role, refused) => {
      const own = { configId: '', configVersionId: '', simulationId: '' }
      const twin = await twinOf(arc, owner)
      await twin.tenant.scenarios('own')
      for (const name of ['configId', 'simulationId'] as const) own[name] = known.get(name) as string
      own.configVersionId = known.get('versionId') as string
      const before = await rowsInDatabase(owner)
      const forbidden = new Set<string>()
      for (const attack of attacks(own)) {
        const { answer } = await attempt(twin.tenant, attack, role)
        const codes = answer.errors?.map(({ extensions }) => extensions.code) ?? []
        expect(['', 'FORBIDDEN'], attack.mutation).toContain(codes.join())
        if (codes.length > 0) forbidden.add(attack.mutation)
      }
      expect([...forbidden].sort()).toEqual(refused)
      expect(await rowsInDatabase(owner)).toEqual(before)
    },
  )
})

it('a subscription to another tenant’s simulation is told that there is none', async () => {
  const stranger = arc.tenant()
  for (const name of namesOf('Subscription').filter((name) => !['alertEvents', 'changes'].includes(name))) {
    const response = await fetch(arc.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${await stranger.token()}`,
      },
      body: JSON.stringify({
        query: `subscription ($simulationId: UUID!) { ${name}(simulationId: $simulationId) { __typename } }`,
        variables: { simulationId: known.get('simulationId') },
      }),
    })
    expect(await response.text(), name).toContain('SIMULATION_NOT_FOUND')
  }
})

describe('ten tenants with the same keys', () => {
  let tenants: SeededTenant[]
  beforeAll(async () => {
    tenants = [owner, twin]
    while (tenants.length < 10) tenants.push(await twinOf(arc, owner))
  })

  it('ask fifty questions at a time, and each is answered with its own rows', async () => {
    const questions: Question[] = [
      ...listQuestions(),
      ...keyQuestions(known),
      {
        name: 'a configuration of a name that the tenant has',
        query: `mutation ($name: String!) { createConfiguration(input: {name: $name}) { errors { code message } } }`,
        variables: { name: `agent ${owner.marker}` },
      },
    ]
    // Each question by five of them, in turn.
    for (let half = 0; questions.length > 0; half = 5 - half) {
      const asked = questions.splice(0, 10)
      const expected = new Map<Question, unknown>()
      for (const question of asked) {
        expected.set(question, await owner.tenant.data(question.query, question.variables))
      }
      const requests = asked.flatMap((question) =>
        tenants.slice(half, half + 5).map((asking) => ({ question, asking })),
      )
      await Promise.all(
        requests.map(async ({ question, asking }) => {
          const variables = asSeenBy(asking, owner, question.variables) as object
          const { data } = await asking.tenant.ask(question.query, variables)
          expect(data, question.name).toEqual(asSeenBy(asking, owner, expected.get(question)))
        }),
      )
    }
  }, 180_000)

  it('record outcomes at the same moment, and each finds its own', async () => {
    const { simulations } = await owner.tenant.data(
      '{ simulations(filter: {status: {eq: RUNNING}}) { nodes { simulationId } } }',
    )
    const { simulationId } = simulations.nodes[0]
    await Promise.all(
      tenants.map(async ({ tenant, marker }) => {
        const { recordOutcome } = await tenant.data(
          `mutation ($outcome: OutcomeInput!) { recordOutcome(input: {outcome: $outcome}) { receipt { status reason } } }`,
          { outcome: { simulationId, scenarioId: 'rebook', status: 'SUCCESS', model: `new ${marker}` } },
        )
        expect(recordOutcome).toEqual({ receipt: { status: 'STORED', reason: null } })
      }),
    )
    for (const { tenant, marker } of tenants) {
      const { outcomes } = await tenant.data(
        '{ outcomes(filter: {scenarioId: {eq: "rebook"}}) { nodes { model simulation { simulationName } } } }',
      )
      expect(outcomes.nodes).toEqual([
        { model: `new ${marker}`, simulation: { simulationName: `running ${marker}` } },
      ])
    }
  })
})
