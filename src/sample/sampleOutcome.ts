import { createHash } from 'node:crypto'
import type { ErrorCategory, OutcomeInput } from '../client/operations.ts'
import { PRICES, type SampleAgent, SCENARIOS, TOOL_ANSWERS } from './sampleData.ts'

type Scenario = (typeof SCENARIOS)[number]
type Message = { role: string; [field: string]: unknown }

/** How a run goes wrong. */
interface Fault {
  code: string
  status: 'ERROR' | 'TIMEOUT'
  category: ErrorCategory
  error: string
  /** The run crashed: there was nothing to grade. */
  ungraded?: true
}

const FAULTS: Fault[] = [
  {
    code: 'wrong_end_state',
    status: 'ERROR',
    category: 'VALIDATION_ERROR',
    error: 'The end state is not the expected one: order {order} was changed in another way.',
  },
  {
    code: 'policy_broken',
    status: 'ERROR',
    category: 'VALIDATION_ERROR',
    error: 'Money was paid back for order {order} although the policy does not allow it.',
  },
  {
    code: 'tool_failed',
    status: 'ERROR',
    category: 'TOOL_ERROR',
    error: 'The tool get_order failed twice for order {order}: 503 from the order service.',
  },
  {
    code: 'malformed_call',
    status: 'ERROR',
    category: 'MODEL_ERROR',
    error: 'The model called refund_payment with arguments that are not JSON.',
  },
  {
    code: 'step_limit',
    status: 'TIMEOUT',
    category: 'TIMEOUT',
    error: 'The run was stopped at its limit of steps.',
  },
  {
    code: 'sandbox_lost',
    status: 'ERROR',
    category: 'SANDBOX_ERROR',
    error: 'The sandbox sb-{order} ended with exit code 137.',
    ungraded: true,
  },
]

const DIFFICULTY_PENALTY = { EASY: 0, MEDIUM: 0.12, HARD: 0.3 }

/**
 * What an invented run of the scenario with the agent brings. Equal simulation, scenario and repetition give equal
 * runs. `executionTime`: when the run ended; absent, that is when it is recorded.
 */
export function sampleOutcome(run: {
  simulationId: string
  scenarioId: string
  repetition: number
  agent: SampleAgent
  executionTime?: Date
}): OutcomeInput {
  const { simulationId, scenarioId, repetition, agent, executionTime } = run
  const scenario = SCENARIOS.find((known) => known.scenarioId === scenarioId)!
  const random = randomNumbers(`${simulationId}/${scenarioId}/${repetition}`)
  const order = String(10_000 + Math.floor(random() * 90_000))
  const isPassed = random() < agent.skill - DIFFICULTY_PENALTY[scenario.difficultyLevel]
  const fault = isPassed ? undefined : FAULTS[Math.floor(random() ** 1.5 * FAULTS.length)]!
  const messages = withOrder(conversation(scenario, agent, fault, random), order)

  const price = PRICES[agent.model]!
  const completionTokens = Math.round(messages.length * (30 + random() * 60))
  const promptTokens = Math.round(messages.length ** 2 * (60 + random() * 30))
  const score = rounded(isPassed ? 0.85 + random() * 0.15 : random() * 0.5)
  return {
    simulationId,
    scenarioId,
    repetition,
    status: fault?.status ?? 'SUCCESS',
    executionTime,
    reliabilityScore: fault?.ungraded ? null : score,
    executionTimeMs: Math.round(messages.length * (700 + random() * 1_800)),
    promptTokens,
    completionTokens,
    costUsd: (promptTokens * price.prompt + completionTokens * price.completion) / 1e6,
    model: agent.model,
    trajectory: { synthetic: true, messages },
    metrics: {
      correctness: score,
      policy: fault?.code === 'policy_broken' ? 0 : 1,
      tone: rounded(0.8 + random() * 0.2),
    },
    sandboxId: `sb-${order}`,
    error: fault && withOrder(fault.error, order),
    errorCode: fault?.code,
    errorCategory: fault?.category,
  }
}

/** 6 to 20 chat messages with tool calls; a fault ends them early, or shows in them. */
function conversation(
  scenario: Scenario,
  agent: SampleAgent,
  fault: Fault | undefined,
  random: () => number,
): Message[] {
  const messages: Message[] = [
    { role: 'system', content: 'You help customers of a shop for bicycles and spare parts.' },
    { role: 'user', content: scenario.taskPrompt },
  ]
  if (random() < 0.5) {
    messages.push(
      { role: 'assistant', content: 'Gladly. Which order is it about?' },
      { role: 'user', content: 'Number {order}, I think.' },
    )
  }
  const call = (tool: string, result = TOOL_ANSWERS[tool]!.result, args?: string) =>
    messages.push(...toolCall(`call_${messages.length}`, tool, result, args))
  for (const tool of scenario.expectedTools.filter((name) => agent.tools.includes(name))) call(tool)
  switch (fault?.code) {
    case 'sandbox_lost':
      return messages.slice(0, 6)
    case 'tool_failed':
      call('get_order', 'Error: 503 from the order service')
      call('get_order', 'Error: 503 from the order service')
      return messages
    case 'step_limit':
      call('track_parcel')
      call('track_parcel')
      return messages
    case 'malformed_call':
      call('refund_payment', 'Error: the arguments are not JSON', '{"order_id": {order}, amount')
      return messages
    case 'policy_broken':
      call('refund_payment')
  }
  messages.push(
    { role: 'assistant', content: 'That is done for order {order}. Is there anything else?' },
    { role: 'user', content: fault ? 'That is not what I asked for.' : 'No, thank you.' },
  )
  return messages
}

function toolCall(id: string, tool: string, result: string, args?: string): Message[] {
  const call = { name: tool, arguments: args ?? JSON.stringify(TOOL_ANSWERS[tool]!.arguments) }
  return [
    { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: call }] },
    { role: 'tool', tool_call_id: id, content: result },
  ]
}

function withOrder<Value>(value: Value, order: string): Value {
  return JSON.parse(JSON.stringify(value).replaceAll('{order}', order))
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** mulberry32: numbers from 0 up to 1, the same ones for the same seed. */
function randomNumbers(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE()
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
