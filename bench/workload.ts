import type { JsonObject, JsonValue } from '../src/json.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'

/** An outcome as clients send it. */
export interface SentOutcome {
  simulationId: string
  scenarioId: string
  repetition: number
  executionTime: string
  status: 'SUCCESS' | 'ERROR' | 'TIMEOUT'
  reliabilityScore: number
  executionTimeMs: number
  promptTokens: number
  completionTokens: number
  costUsd: number
  model: string
  sandboxId: string
  error?: string
  metrics: JsonObject
  trajectory: JsonObject
}

export const SCENARIOS = 100
const MODEL = 'gpt-4o'
/** Of all rows: as the JSON text that a client sends. */
const MEAN_TRAJECTORY_BYTES = 4_500
const FAILURE_SHARE = 0.1

/** mulberry32: the same numbers for the same seed, everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const WORDS =
  `the a to of and for you your I we it is was will can could would please order item refund exchange return address
  payment card account email name number delivery shipped tracking package damaged wrong size colour blue large small
  wireless keyboard headphones water bottle jacket shoes lamp bookshelf backpack camera policy allows days window eligible
  original method gift balance credit confirm details change cancel pending processed delivered warehouse supervisor
  apologise inconvenience thank help today tomorrow business within before after because however already again also only
  total price difference quantity available stock variant option product customer request issue update status review yes
  no correct different instead let me check find look see understand proceed unfortunately possible another same one two`.split(
    /\s+/,
  )

const TOOLS = [
  'find_user_id_by_email',
  'get_user_details',
  'get_order_details',
  'get_product_details',
  'modify_pending_order_items',
  'return_delivered_order_items',
  'calculate',
  'transfer_to_human_agents',
]

const POLICY =
  'You are a customer service agent of a retailer. You help users cancel or change pending orders, return or exchange delivered ones, change their address, and tell them about their profile, orders and products. First establish who the user is by email, or by name and postcode. Before any step that changes the database, list its details and get an explicit yes. Make one tool call at a time; when you make one, do not answer the user in the same turn.'

const ERRORS = [
  (id: string) => `ToolError: get_order_details failed for #W${id}: 503 from order service after 3 attempts`,
  (id: string) => `ValueError: expected item_id of order #W${id}, got null`,
  (id: string) => `RateLimitError: 429, retry after ${id.slice(0, 2)} s (request req_${id}${id})`,
  (id: string) => `AssertionError: final database state differs in orders['#W${id}'].status`,
]

/**
 * Outcomes `from` to `to` of a simulation of SCENARIOS scenarios: chats of an agent with tools, 4.5 KB on average,
 * one in ten a failure with its text. Equal arguments give equal rows.
 */
export function outcomesOf(
  simulationId: string,
  seed: number,
  from: number,
  to: number,
  firstTimeMs: number,
): SentOutcome[] {
  return Array.from({ length: to - from }, (_, index) => {
    const place = from + index
    return outcome(simulationId, place, randomNumbers(seed * 1_000_003 + place), firstTimeMs + place * 1_000)
  })
}

function outcome(simulationId: string, place: number, random: () => number, timeMs: number): SentOutcome {
  const failed = random() < FAILURE_SHARE
  const promptTokens = 2_000 + Math.floor(random() * 9_000)
  const completionTokens = 200 + Math.floor(random() * 900)
  const id = digits(random, 7)
  const timedOut = failed && random() < 0.2
  return {
    simulationId,
    scenarioId: scenarioId(place % SCENARIOS),
    repetition: Math.floor(place / SCENARIOS) + 1,
    executionTime: new Date(timeMs).toISOString(),
    status: timedOut ? 'TIMEOUT' : failed ? 'ERROR' : 'SUCCESS',
    reliabilityScore: failed ? 0 : Math.round(random() * 1_000) / 1_000,
    executionTimeMs: 4_000 + Math.floor(random() * 60_000),
    promptTokens,
    completionTokens,
    costUsd: Math.round(promptTokens * 2.5 + completionTokens * 10) / 1e6,
    model: MODEL,
    sandboxId: `sb-${digits(random, 12)}`,
    ...(failed
      ? { error: timedOut ? 'Timed out after 300 s' : ERRORS[Math.floor(random() * ERRORS.length)]!(id) }
      : {}),
    metrics: { accuracy: Math.round(random() * 100) / 100, turns: 4 + Math.floor(random() * 8) },
    trajectory: trajectory(place, random),
  }
}

function trajectory(place: number, random: () => number): JsonObject {
  const messages: JsonValue[] = [
    { role: 'system', content: POLICY },
    { role: 'user', content: sentence(random, 30) },
  ]
  // Half to one and a half of the mean, without what stands around the messages.
  const bytes = MEAN_TRAJECTORY_BYTES * (0.5 + random()) - 250
  for (let written = 700; written < bytes; ) {
    const turn = random() < 0.7 ? toolTurn(random) : talkTurn(random)
    written += JSON.stringify(turn).length
    messages.push(...turn)
  }
  return {
    task_id: place % SCENARIOS,
    trial: Math.floor(place / SCENARIOS),
    messages,
    info: {
      user_cost: Math.round(random() * 1e5) / 1e7,
      termination_reason: 'user_stop',
      agent: 'tool-calling',
    },
  }
}

function toolTurn(random: () => number): JsonValue[] {
  const id = `call_${digits(random, 16)}`
  const name = TOOLS[Math.floor(random() * TOOLS.length)]!
  const order = `#W${digits(random, 7)}`
  const result =
    random() < 0.08
      ? `Error: order ${order} not found`
      : JSON.stringify({
          order_id: order,
          user_id: `${word(random)}_${word(random)}_${digits(random, 4)}`,
          items: Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
            name: word(random),
            product_id: digits(random, 10),
            item_id: digits(random, 10),
            price: Number(digits(random, 5)) / 100,
            options: { [word(random)]: word(random), [word(random)]: word(random) },
          })),
          status: word(random),
        })
  return [
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id, type: 'function', function: { name, arguments: JSON.stringify({ order_id: order }) } },
      ],
    },
    { role: 'tool', tool_call_id: id, name, content: result },
  ]
}

function talkTurn(random: () => number): JsonValue[] {
  return [
    { role: 'assistant', content: sentence(random, 40) },
    { role: 'user', content: sentence(random, 15) },
  ]
}

function word(random: () => number): string {
  return WORDS[Math.floor(random() * WORDS.length)]!
}

function sentence(random: () => number, words: number): string {
  const count = Math.ceil(words * (0.5 + random()))
  return `${Array.from({ length: count }, () => word(random)).join(' ')}.`
}

function digits(random: () => number, count: number): string {
  return Array.from({ length: count }, () => Math.floor(random() * 10)).join('')
}

function scenarioId(number: number): string {
  return `bench_${String(number).padStart(3, '0')}`
}

const RECORD_OUTCOMES = `mutation RecordOutcomes($input: RecordOutcomesInput!) {
  recordOutcomes(input: $input) {
    storedCount
    receipts { index outcomeId status code reason path notes }
    errors { code message path }
  }
}`

/** The body of one recordOutcomes request. */
export function recordBody(outcomes: readonly SentOutcome[]): Buffer {
  return Buffer.from(JSON.stringify({ query: RECORD_OUTCOMES, variables: { input: { outcomes } } }))
}

/** Sends a request body made by `recordBody`. @throws when not all of its rows were stored. */
export async function record(arc: GraphQLConnections, body: Buffer, rows: number): Promise<void> {
  const { recordOutcomes } = await arc.data<{ recordOutcomes: { storedCount: number; receipts: object[] } }>(
    body,
  )
  if (recordOutcomes.storedCount !== rows) {
    throw new Error(
      `${recordOutcomes.storedCount} of ${rows} rows were stored: ${JSON.stringify(recordOutcomes).slice(0, 500)}`,
    )
  }
}

const RECORD_OUTCOME = `mutation RecordOutcome($outcome: OutcomeInput!) {
  recordOutcome(input: { outcome: $outcome }) { receipt { status code reason } errors { code message } }
}`

/** The body of one recordOutcome request. */
export function recordOneBody(outcome: SentOutcome): Buffer {
  return Buffer.from(JSON.stringify({ query: RECORD_OUTCOME, variables: { outcome } }))
}

/** Sends a request body made by `recordOneBody`. @throws when it was not stored. */
export async function recordOne(arc: GraphQLConnections, body: Buffer): Promise<void> {
  const { recordOutcome } = await arc.data<{ recordOutcome: { receipt: { status: string } | null } }>(body)
  if (recordOutcome.receipt?.status !== 'STORED')
    throw new Error(`not stored: ${JSON.stringify(recordOutcome).slice(0, 500)}`)
}

/** What simulations need: the tenant's scenarios, and a configuration with versions. Returns the versions' keys. */
export async function prepareTenant(arc: GraphQLConnections, versions = 1): Promise<string[]> {
  await arc.ask(
    `mutation ($input: UpsertScenariosInput!) { upsertScenarios(input: $input) { errors { message } } }`,
    {
      input: {
        scenarios: Array.from({ length: SCENARIOS }, (_, number) => ({
          scenarioId: scenarioId(number),
          name: `Scenario ${number}`,
          taskPrompt: `Solve the customer's request ${number}.`,
          difficultyLevel: ['EASY', 'MEDIUM', 'HARD'][number % 3],
        })),
      },
    },
  )
  const versionIds: string[] = []
  for (let number = 0; number < versions; number++) {
    const { createConfiguration } = await arc.ask<{
      createConfiguration: { version: { versionId: string } }
    }>(
      `mutation ($input: CreateConfigurationInput!) {
        createConfiguration(input: $input) { version { versionId } errors { message } }
      }`,
      { input: { name: `agent ${number}`, yaml: `model: ${MODEL}\ntemperature: 0.${number % 10}\n` } },
    )
    versionIds.push(createConfiguration.version.versionId)
  }
  return versionIds
}

/** A running simulation of all scenarios. */
export async function startSimulation(
  arc: GraphQLConnections,
  configVersionId: string,
  repetitions: number,
  name: string,
): Promise<string> {
  const { startSimulation } = await arc.ask<{ startSimulation: { simulation: { simulationId: string } } }>(
    `mutation ($input: StartSimulationInput!) {
      startSimulation(input: $input) { simulation { simulationId } errors { message } }
    }`,
    {
      input: {
        configVersionId,
        repetitions,
        name,
        scenarioIds: Array.from({ length: SCENARIOS }, (_, number) => scenarioId(number)),
      },
    },
  )
  return startSimulation.simulation.simulationId
}

export async function completeSimulation(arc: GraphQLConnections, simulationId: string): Promise<void> {
  await arc.ask(
    `mutation ($simulationId: UUID!) {
      completeSimulation(input: { simulationId: $simulationId }) { errors { message } }
    }`,
    { simulationId },
  )
}
