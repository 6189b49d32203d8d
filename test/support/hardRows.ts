import { expect } from 'vitest'
import { insertAlerts } from './alertRows.ts'
import type { Arc, Tenant } from './arc.ts'
import { insertMade } from './madeRows.ts'

/** What two ways of writing JSON, comparing or sorting would show as different. */
export const HARD_TEXTS: readonly string[] = [
  'ordinary',
  'Ordinary',
  '%',
  '100 % of a_b\\c',
  '_',
  '\\',
  'it\'s "quoted"',
  'tab\tline\nbreak\u0001\u001f\u007f',
  '\u2028\u2029\ufeff\u00a0',
  '👩‍👩‍👧 𝒳',
  'Straße',
  'STRASSE',
  'İstanbul ı',
  'e\u0301',
  '\u00e9',
  '\ufffd half a pair: \ud800',
  '{"a": [1, null]}',
  'null',
  '[]',
  '<script>&amp;</script>',
  '0.30000000000000004',
  ' leading and trailing ',
]

const HARD_TREE = {
  k: 'text',
  '': { '': [] },
  none: null,
  list: [null, [], {}, [{}], '', 0],
  small: 5e-324,
  tiny: 1e-7,
  sum: 0.1 + 0.2,
  large: 1e21,
  '10': 'a key like an index',
  '2': 'another',
  'a"b\\c\u2028': '\u0001\u2028👩‍👩‍👧',
  constructor: { __proto__: 1 },
}

/** Trees as text, with numbers that JavaScript has not. */
const TREES: readonly string[] = [
  JSON.stringify(HARD_TREE),
  '{}',
  '{"k": 9223372036854775807, "l": -9223372036854775808, "m": 12345678901234567890.12345678901234567890}',
  '{"k": 1.50, "l": 1e2, "m": -0.0, "n": 1E-10, "o": 100000000000000000000000}',
  '{"k": null}',
  '{"k": ["a", {"b": [1, 2, {"c": 0.30000000000000004}]}]}',
]

const SCORES = [0.1 + 0.2, 0.3, null, 0, 1, 1e-7, 5e-324, 0.5, 0.5, null, 1 / 3]
const COSTS = [
  null,
  0,
  '0.1',
  '0.2',
  '0.30000000000000004',
  '0.000000000001',
  '999999999',
  '123456789.123456789012',
  '0.5',
  '0.50',
]
const TOKENS = [null, 0, 7, 7, 2 ** 31 - 1]
/** Of several weeks and months, some at one time, some a microsecond or a millisecond apart. */
const TIMES = [
  '2026-03-01T00:00:00.000Z',
  '2026-03-01T00:00:00.000Z',
  '2026-03-01T00:00:00.001Z',
  '2026-03-01T00:59:59.999999Z',
  '2026-03-08T12:00:00.123456Z',
  '2026-03-15T23:59:59.999Z',
  '2026-03-16T00:00:00+05:30',
  '2026-04-01T00:00:00.000Z',
  '2026-05-31T23:00:00.500Z',
  '2024-02-29T12:00:00.000Z',
  '2000-01-01T00:00:00.000Z',
]
const LONG_TEXT = 'a long text, \u2028"quoted" '.repeat(2_000)

const at = <Item>(items: readonly Item[], index: number): Item => items[index % items.length]!

/**
 * Many rows in each of a tenant's tables, with ties and gaps in everything that they are ordered or found by, and with values
 * at the edges of what their columns take.
 */
export async function addHardRows(arc: Arc, tenant: Tenant): Promise<void> {
  const rows = new HardRows(arc, tenant)
  await rows.add()
}

class HardRows {
  readonly #arc: Arc
  readonly #tenant: Tenant

  constructor(arc: Arc, tenant: Tenant) {
    this.#arc = arc
    this.#tenant = tenant
  }

  async add(): Promise<void> {
    const scenarioIds = await this.#scenarios()
    const versions = await this.#configurations()
    const simulations: string[] = []
    for (let n = 0; n < 10; n++)
      simulations.push(await this.#simulation(n, at(versions, n >> 1), scenarioIds))
    await this.#outcomes(simulations.slice(0, 6), scenarioIds)
    await this.#amend()
    await this.#end(simulations)
    await this.#notes()
    await this.#failureNotes()
    await this.#recommend(simulations)
    for (let n = 0; n < 4; n++)
      await this.#mutate('createApiKey', {
        name: at(['key', 'key', 'a % b_c'], n),
        scope: at(['READ', 'ALL', 'INGEST'], n),
      })
    await this.#delete(at(versions, 0), scenarioIds)
    await this.#pastTheServer()
  }

  async #scenarios(): Promise<string[]> {
    const scenarioIds = HARD_TEXTS.map((_, n) => `hard_${n}`)
    const scenario = (text: string, n: number) => ({
      scenarioId: scenarioIds[n],
      name: at(HARD_TEXTS, n >> 1).trim(),
      taskPrompt: n === 3 ? LONG_TEXT : text,
      externalId: n % 3 === 0 ? null : text.trim(),
      source: n % 2 === 0 ? null : at(['a source', 'A SOURCE', '_'], n),
      difficultyLevel: at(['EASY', 'MEDIUM', 'HARD'], n),
      estimatedDurationMs: at([null, 1, 2 ** 31 - 1], n),
      tags: n % 4 === 0 ? [] : [...new Set([at(HARD_TEXTS, n).trim(), 'tied', at(HARD_TEXTS, n + 5).trim()])],
      groundTruth: at([null, HARD_TREE, [], {}, '', 0, false, 'null'], n),
      expectedTools: at([null, [], ['a'], {}, 'text'], n),
      metadata: n % 2 === 0 ? HARD_TREE : {},
    })
    const scenarios = HARD_TEXTS.map(scenario)
    await this.#mutate('upsertScenarios', { scenarios }, 'receipts { status reason }')
    // Revisions, and one that is taken out.
    await this.#mutate('upsertScenarios', {
      scenarios: scenarioIds.slice(0, 4).map((scenarioId, n) => ({
        scenarioId,
        taskPrompt: `Do it again: ${at(HARD_TEXTS, n + 7)}`,
        isActive: n > 0,
      })),
    })
    return scenarioIds
  }

  async #configurations(): Promise<string[]> {
    const versions: string[] = []
    const yamls = [
      'model: gpt-4\n',
      'model: GPT-4\ntemperature: 0.30000000000000004\n',
      'model: "100 % a_b\\\\c"\ntemperature: 0\nlong: 12345678901234567890.5\n',
      'model: 👩‍👩‍👧\ntemperature: 2\nlist: [null, {}, []]\n',
      'model: gpt-4\ntemperature: 1.0e-7\n',
    ]
    for (let n = 0; n < 5; n++) {
      const { configId, versionId } = await this.#tenant.configVersion(
        `hard ${at(['%', '_', "it's", '👩‍👩‍👧', 'B'], n)}`,
        yamls[n],
      )
      versions.push(versionId)
      for (let more = 0; more < n; more++) {
        const { version } = await this.#mutate(
          'createConfigVersion',
          {
            configId,
            yaml: `${at(yamls, n + more + 1)}# ${more}\n`,
            generatedBy: at(['MANUAL', 'OPTIMIZATION', 'DIFF_ENGINE'], more),
          },
          'version { versionId }',
        )
        versions.push(version.versionId)
        if (more === 2) await this.#mutate('withdrawConfigVersion', { versionId: version.versionId })
      }
      await this.#mutate('describeConfiguration', {
        configId,
        description: n % 2 === 0 ? null : at(HARD_TEXTS, n + 6),
        tags: at([[], ['tied', '%'], ['tied', '\\']], n),
      })
      if (n === 3) await this.#mutate('archiveConfiguration', { configId })
    }
    return versions
  }

  async #simulation(n: number, configVersionId: string, scenarioIds: string[]): Promise<string> {
    const { simulation } = await this.#mutate(
      'startSimulation',
      {
        configVersionId,
        scenarioIds: scenarioIds.slice(n, n + 6),
        repetitions: n < 6 ? 4 : 1,
        name: n % 3 === 0 ? null : at(HARD_TEXTS, n >> 1),
        priority: 1 + (n % 3),
        start: n !== 8,
        // On a slow machine five minutes pass, and rows must stay as they are.
        timeoutMs: 86_400_000 + n,
        metadata: n % 2 === 0 ? HARD_TREE : { k: at([0.1 + 0.2, 1e-7, 'K', null, []], n >> 1) },
        createdAt: at(TIMES, n >> 1),
      },
      'simulation { simulationId }',
    )
    await this.#mutate('describeSimulation', {
      simulationId: simulation.simulationId,
      description: n % 2 === 0 ? null : at(HARD_TEXTS, n + 7),
      tags: at([[], ['tied', '%'], ['tied', 'İ', '_']], n),
    })
    return simulation.simulationId
  }

  async #outcomes(simulations: string[], scenarioIds: string[]): Promise<void> {
    let run = 0
    const outcomes = simulations.flatMap((simulationId, of) =>
      scenarioIds.slice(of, of + 6).flatMap((scenarioId, place) =>
        [1, 2, 3].flatMap((repetition) =>
          // Some runs were tried again: what came first is superseded.
          Array.from({ length: (place + repetition) % 4 === 0 ? 3 : 1 }, (_, retryCount) =>
            hardOutcome({ simulationId, scenarioId, repetition, retryCount }, run++),
          ),
        ),
      ),
    )
    const { receipts } = await this.#tenant.record(outcomes)
    expect(receipts.filter(({ status }) => status !== 'STORED')).toEqual([])
  }

  async #amend(): Promise<void> {
    const { outcomes } = await this.#tenant.data(
      `{ outcomes(first: 3, filter: { superseded: false, status: { eq: SUCCESS } }) { nodes { outcomeId } } }`,
    )
    const amendments = outcomes.nodes.map(({ outcomeId }: any, n: number) => ({
      outcomeId,
      ...at(
        [
          { costUsd: 0.1 },
          { reliabilityScore: 1 / 3, metrics: HARD_TREE },
          { status: 'TIMEOUT', error: 'It took 17 s.' },
        ],
        n,
      ),
    }))
    await this.#mutate('amendOutcomes', { amendments })
  }

  async #end(simulations: string[]): Promise<void> {
    await this.#mutate('completeSimulation', {
      simulationId: simulations[0],
      result: {
        overallScore: 0.1 + 0.2,
        executionTimeMs: Number.MAX_SAFE_INTEGER,
        totalCostUsd: 999_999_999,
      },
    })
    for (const simulationId of [simulations[1], simulations[2]])
      await this.#mutate('completeSimulation', { simulationId, result: { overallScore: 0.5 } })
    await this.#mutate('completeSimulation', { simulationId: simulations[3] })
    await this.#mutate('failSimulation', { simulationId: simulations[6], errorMessage: at(HARD_TEXTS, 7) })
    await this.#mutate('cancelSimulation', { simulationId: simulations[7] })
  }

  async #notes(): Promise<void> {
    const { outcomes } = await this.#tenant.data(`{ outcomes(first: 4) { nodes { outcomeId } } }`)
    for (const [n, text] of HARD_TEXTS.slice(0, 12).entries()) {
      const { note } = await this.#mutate(
        'addOutcomeNote',
        { outcomeId: at(outcomes.nodes as { outcomeId: string }[], n >> 2).outcomeId, text: `Seen ${text}` },
        'note { noteId }',
      )
      if (n % 5 === 0)
        await this.#mutate('editOutcomeNote', { noteId: note.noteId, text: `Seen again: ${text}` })
    }
  }

  async #failureNotes(): Promise<void> {
    const { failureGroups } = await this.#tenant.data('{ failureGroups(first: 2) { nodes { groupId } } }')
    for (const [n, text] of HARD_TEXTS.slice(0, 12).entries()) {
      const written = { note: `Seen ${text}`, resolutionSteps: n % 3 === 0 ? null : `Mend ${text}` }
      const { note } = await this.#mutate(
        'noteFailureGroup',
        { groupId: at(failureGroups.nodes as { groupId: string }[], n >> 3).groupId, ...written },
        'note { groupNoteId }',
      )
      if (n % 5 === 0)
        await this.#mutate('editFailureGroupNote', {
          groupNoteId: note.groupNoteId,
          note: `Seen again: ${text}`,
        })
    }
  }

  async #recommend(simulations: string[]): Promise<void> {
    const { outcomes, configDiffs } = await this.#tenant.data(
      `{ outcomes(first: 1) { nodes { outcomeId } } configDiffs(first: 1) { nodes { diffId } } }`,
    )
    const sources = [
      ['SIMULATION', simulations[0]],
      ['OUTCOME', outcomes.nodes[0].outcomeId],
      ['CONFIG_DIFF', configDiffs.nodes[0].diffId],
      ['PATTERN_ANALYSIS', simulations[1]],
      // One that still runs.
      ['SIMULATION', simulations[4]],
    ]
    for (let n = 0; n < 15; n++) {
      const [sourceType, sourceId] = at(sources, n)
      const { recommendation } = await this.#mutate(
        'createRecommendation',
        {
          sourceType,
          sourceId,
          recommendationType: at(['CONFIG_CHANGE', 'SCENARIO_ADDITION', 'TOOL_OPTIMIZATION'], n),
          description: `Lower the temperature: ${at(HARD_TEXTS, n)}`,
          confidence: at([0.1 + 0.2, 0.3, 0.5, 0.5, 1e-7, 1], n),
          suggestedYamlChanges: n % 2 === 0 ? null : at(HARD_TEXTS, n + 5),
          impactEstimate: at([null, HARD_TREE, {}], n),
        },
        'recommendation { recommendationId }',
      )
      const { recommendationId } = recommendation
      if (n % 3 === 0) await this.#mutate('rateRecommendation', { recommendationId, score: 1 + (n % 5) })
      if (n % 4 === 0) await this.#mutate('applyRecommendation', { recommendationId })
    }
  }

  async #delete(configVersionId: string, scenarioIds: string[]): Promise<void> {
    for (let n = 0; n < 2; n++) {
      const simulationId = await this.#simulation(n, configVersionId, scenarioIds)
      await this.#tenant.record([
        hardOutcome({ simulationId, scenarioId: scenarioIds[n], repetition: 1, retryCount: 0 }, n),
      ])
      await this.#mutate('deleteSimulation', { simulationId })
    }
    const { configId } = await this.#tenant.configVersion('hard deleted')
    await this.#mutate('deleteConfiguration', { configId })
    await this.#mutate('deleteScenario', { scenarioId: scenarioIds.at(-1) })
  }

  /** Trees with numbers that JavaScript has not; JSON's null, which no column of rows needs; costs with all their digits. */
  async #pastTheServer(): Promise<void> {
    await this.#arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(`set local session_replication_role = replica`)
      const { tenantId } = this.#tenant
      await client.query(
        `with numbered as (select simulation_id, row_number() over (order by simulation_id) as n from simulations where user_id = $1)
        update simulations s set metadata = ($2::jsonb[])[1 + n % cardinality($2::jsonb[])] from numbered
        where s.user_id = $1 and s.simulation_id = numbered.simulation_id and n % 2 = 0`,
        [tenantId, TREES],
      )
      await client.query(
        `with numbered as (select outcome_id, row_number() over (order by outcome_id) as n from store.outcomes where user_id = $1)
        , written as (
          update store.trajectories t set
            trajectory = t.trajectory || ($2::jsonb[])[1 + n % cardinality($2::jsonb[])] || '{"messages": [null, {"a": 1.50}, "\\u0001", []]}'
          from numbered where t.user_id = $1 and t.outcome_id = numbered.outcome_id and n % 3 = 0)
        update store.outcomes o set metrics = ($2::jsonb[])[1 + n % cardinality($2::jsonb[])], step_count = 4
        from numbered where o.user_id = $1 and o.outcome_id = numbered.outcome_id and n % 3 = 0`,
        [tenantId, TREES],
      )
      await client.query(
        `with numbered as (select outcome_id, row_number() over (order by outcome_id) as n from store.outcomes where user_id = $1)
        update store.outcomes o set used_tools = array(
          select row(t.tool_name, t.call_count, t.avg_duration_ms, t.success_rate,
            case when place % 2 = 1 then 'null' else t.tool_sequence end, t.total_cost_usd, t.error_types)::store.used_tool
          from unnest(o.used_tools) with ordinality as t(tool_name, call_count, avg_duration_ms, success_rate,
            tool_sequence, total_cost_usd, error_types, place))
        from numbered where o.user_id = $1 and o.outcome_id = numbered.outcome_id and n % 4 = 0`,
        [tenantId],
      )
      await insertMade(client, {
        tenantId,
        count: 2 * HARD_TEXTS.length,
        texts: HARD_TEXTS.filter((text) => text.isWellFormed()),
      })
      await insertAlerts(client, {
        tenantId,
        count: 2 * HARD_TEXTS.length,
        texts: HARD_TEXTS.filter((text) => text.isWellFormed()),
      })
      await client.query(
        `update scenarios set ground_truth = 'null', expected_tools = 'null' where user_id = $1 and scenario_id = 'hard_5'`,
        [tenantId],
      )
      await client.query('commit')
    })
  }

  async #mutate(mutation: string, input: object, selection = ''): Promise<any> {
    const data = await this.#tenant.data(
      `mutation ($input: ${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input!) {
        payload: ${mutation}(input: $input) { declined: errors { message path } ${selection} }
      }`,
      { input },
    )
    expect(data.payload.declined, mutation).toEqual([])
    return data.payload
  }
}

function hardOutcome(key: object, n: number): object {
  const failed = n % 3 === 0
  return {
    ...key,
    status: failed ? at(['ERROR', 'TIMEOUT', 'CANCELLED'], n) : 'SUCCESS',
    executionTime: at(TIMES, n),
    reliabilityScore: at(SCORES, n),
    executionTimeMs: at([null, 0, 1_500, 1_500, 2 ** 31 - 1], n),
    tokensUsed: at(TOKENS, n),
    promptTokens: at(TOKENS, n + 1),
    completionTokens: at(TOKENS, n + 2),
    costUsd: number(at(COSTS, n)),
    model: at([null, 'gpt-4', 'GPT-4', '%', 'a_b'], n),
    modalCallId: n % 2 === 0 ? null : at(HARD_TEXTS, n),
    sandboxId: n % 4 === 0 ? null : at(HARD_TEXTS, n >> 1),
    metrics: at([{}, HARD_TREE], n),
    trajectory: {
      status: 'ended',
      start_time: at(TIMES, n),
      messages: n % 7 === 0 ? [] : [HARD_TREE, null, '', 0],
      deep: HARD_TREE,
    },
    toolUsage: [0, 1, 2].slice(0, n % 4).map((tool) => ({
      toolName: at(HARD_TEXTS, tool + (n % 6)),
      callCount: at([1, 3, 7, 1_000], n + tool),
      successRate: at([1, 0, 0.1 + 0.2, 1 / 3], n + tool),
      avgDurationMs: at([null, 0, 1.5, 0.1 + 0.2, 2 ** 31 - 1], n + tool),
      totalCostUsd: number(at(COSTS, n + tool)),
      toolSequence: at([null, [], [1, 2], HARD_TREE], n + tool),
      errorTypes: at([[], ['E1', 'E1', 'e1'], ['%', "it's", '👩‍👩‍👧']], n + tool),
    })),
    ...(failed && {
      errorCode: at([null, 'E_1', 'E%1', 'e_1'], n),
      failurePatterns: [0, 1].map((pattern) => ({
        failureType: at(HARD_TEXTS, (n % 6) + pattern),
        failureCategory: at(['UNKNOWN', 'TOOL_ERROR', 'TIMEOUT'], n + pattern),
        errorMessage: at([null, 'It took 17 s.', 'It took 18 s.', at(HARD_TEXTS, n)], n + pattern),
        recoveryAttempted: n % 2 === 0,
        recoverySuccessful: n % 4 === 0,
        resolutionSteps: n % 5 === 0 ? 'Try again.' : null,
      })),
    }),
  }
}

const number = (digits: string | number | null) => (digits === null ? null : Number(digits))
