import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { auditText } from '../../src/auth/tokens.ts'
import { parseConfigDocument } from '../../src/evaluation/configurations/configDocument.ts'
import { deriveFailurePatterns } from '../../src/evaluation/failures/failurePattern.ts'
import { validateOutcome } from '../../src/evaluation/outcomes/outcomeValidation.ts'
import { mapSandboxResult } from '../../src/evaluation/outcomes/sandboxResult.ts'
import { deriveToolUsage, errorType } from '../../src/evaluation/outcomes/trajectory.ts'
import { redactTree } from '../../src/evaluation/redaction/redaction.ts'
import { scenarioKey } from '../../src/evaluation/scenarios/scenarioKey.ts'
import { inspect } from '../../src/importers/inspect/inspect.ts'
import { interCode } from '../../src/importers/intercode.ts'
import { miniSweAgent } from '../../src/importers/minisweagent.ts'
import { promptfoo } from '../../src/importers/promptfoo.ts'
import { bounded, shown } from '../../src/importers/recordReading.ts'
import { crashFailure, failure } from '../../src/importers/rewardChecks.ts'
import { runConfiguration } from '../../src/importers/runConfiguration.ts'
import { sweAgent } from '../../src/importers/sweagent.ts'
import { tau2Bench } from '../../src/importers/tau2bench.ts'
import { tauBench } from '../../src/importers/taubench.ts'
import { Refusal } from '../../src/refusal.ts'
import { cutText } from '../../src/text.ts'
import { integer } from '../../src/valueChecks.ts'

/** Where texts are cut, in characters. */
const LIMITS = [19, 40, 60, 80, 90, 100, 120, 200, 300, 400, 500, 2_000, 10_000]

/** Texts whose emoji lie around the places where texts are cut. */
const textAtCut = fc
  .tuple(fc.constantFrom(...LIMITS), fc.integer({ min: -12, max: 2 }), fc.constantFrom('x', '1', ' '))
  .map(([limit, offset, filler]) => `a${filler.repeat(limit + offset)}${'😀'.repeat(limit + 20)}`)

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
  throw new Error('was not refused')
}

const NOW = new Date('2025-08-01T12:00:00Z')
const outcome = {
  simulationId: '018f3c4e-7b1a-7c3d-9e5f-0123456789ab',
  scenarioId: 'a',
  status: 'error',
} as const

/** All that cuts texts, by name: what it makes of one. */
const CUTTING: Record<string, (text: string) => unknown> = {
  'the refusal of a value': (text) => messageOf(() => integer(text, 0, 1, ['a'])),
  'the refusal of a YAML key': (text) =>
    messageOf(() => parseConfigDocument(`model: m\n? "${text}"\n: 1\n? "${text}"\n: 2`)),
  'the refusal of a temperature': (text) =>
    messageOf(() => parseConfigDocument(`model: m\ntemperature: "${text}"`)),
  'the refusal of an alias': (text) =>
    messageOf(() => parseConfigDocument(`model: *${text.replaceAll(' ', '_')}`)),
  'an actor': auditText,
  'an error': (text) => validateOutcome({ ...outcome, error: text, errorCode: 'E' }, NOW),
  'a derived failure type': (text) =>
    deriveFailurePatterns({ status: 'error', errorCode: text, error: text }),
  'the type of an error': errorType,
  'a derived tool': (text) =>
    deriveToolUsage([
      { tool: text, error: text },
      { action: text, is_error: true, output: text },
    ]),
  'an unknown status': (text) => mapSandboxResult({ scenario: { id: 'a' }, status: text }).notes,
  'the key of a scenario': scenarioKey,
  'a secret': (text) =>
    redactTree([`API_KEY=a1${text}`, `--api-key a1${text}`, `?api_key=a1${text}`, `x-api-key: a1${text}`])
      .tree,
  'a bounded name': (text) => [20, 80, 100, 200].map((length) => bounded(text, length)),
  'a value in a sentence': shown,
  'a failure': (text) => failure(text, 'unknown', text),
  'a crash': (text) => [crashFailure(text, null), crashFailure('E', text), crashFailure(text, text)],
  'a configuration': (text) => runConfiguration([text, 'b'], text, 0, { text }),
  'tau-bench': (text) =>
    tauBench.parse(
      [
        {
          task_id: text,
          trial: 0,
          reward: 0,
          info: { error: text, traceback: text },
          traj: [{ role: 'user', content: text }],
        },
      ],
      'results.json',
    ),
  'tau2-bench': (text) =>
    tau2Bench.parse(
      {
        timestamp: text,
        info: { agent_info: { llm: text, implementation: text }, environment_info: { domain_name: text } },
        tasks: [{ id: text, description: { purpose: text } }],
        simulations: [
          {
            task_id: cutText(text, 12),
            trial: 0,
            termination_reason: text,
            reward_info: { reward: 0 },
            messages: [],
          },
        ],
      },
      'results.json',
    ),
  InterCode: (text) =>
    interCode.parse(
      {
        '0': {
          task_id: 1,
          environment: text,
          dataset: text,
          query: text,
          turn_history: { actions: [text] },
          summary: { max_reward: 0 },
        },
      },
      'results.json',
    ),
  promptfoo: (text) =>
    promptfoo.parse(
      {
        evalId: 'e',
        config: { description: text, tags: { a: text } },
        results: {
          timestamp: text,
          results: [
            {
              testIdx: 0,
              promptIdx: 0,
              success: false,
              error: text,
              provider: { id: text, label: text },
              prompt: { raw: text, label: text },
              testCase: { description: text, tags: [text], assert: [{ type: text }] },
              gradingResult: { reason: text, componentResults: [{ pass: false, reason: text }] },
            },
          ],
        },
      },
      'results.json',
    ),
  Inspect: (text) =>
    inspect.parse(
      {
        status: 'success',
        eval: { task: text, model: text, created: text, run_id: 'r' },
        samples: [
          {
            id: 's',
            epoch: 1,
            input: text,
            target: text,
            scores: { [text]: { value: 'I', answer: text, explanation: text } },
            limit: { type: text },
          },
        ],
      },
      'log.json',
    ),
  'SWE-agent': (text) =>
    sweAgent.parse(
      {
        environment: text,
        trajectory: [{ action: text, observation: text, thought: text }],
        history: [],
        info: { exit_status: text, model_stats: {} },
      },
      `/runs/${cutText(text, 60)}/o__r-1.traj`,
    ),
  'mini-swe-agent': (text) =>
    miniSweAgent.parse(
      {
        info: { exit_status: text, submission: text, config: { model: { model_name: text } } },
        messages: [{ role: 'user', content: text }],
        trajectory_format: 'mini-swe-agent-1',
      },
      `/runs/a/o__r-1.traj.json`,
    ),
}

/** Each text in a tree, keys too. */
function textsIn(tree: unknown): string[] {
  if (typeof tree === 'string') return [tree]
  if (typeof tree !== 'object' || tree === null) return []
  return Object.entries(tree).flatMap(([key, value]) => [key, ...textsIn(value)])
}

describe('no cut halves a surrogate pair:', () => {
  it.each(Object.entries(CUTTING))('%s', (_, cut) => {
    fc.assert(
      fc.property(textAtCut, (text) => {
        for (const made of textsIn(cut(text))) {
          // JSON.stringify writes a lone half as an escape.
          expect(made.isWellFormed() && !/\\ud[89a-f]/.test(made), made.slice(-20)).toBe(true)
        }
      }),
    )
  })
})
