import type { OutcomeInput } from '../evaluation/outcomeInput.ts'
import { type OutcomeReceipt, recordOutcomes } from '../evaluation/outcomes/outcomes.ts'
import { recordSandboxResults } from '../evaluation/outcomes/sandboxResults.ts'
import { builder } from './builder/builder.ts'
import { ErrorCategoryEnum, OutcomeStatusEnum } from './outcome.ts'
import { ErrorCodeEnum, pathAsText, payloadOf, payloadType, ReceiptStatus } from './payload.ts'

const ToolUsageInput = builder.inputType('ToolUsageInput', {
  description: 'How a run used one tool.',
  fields: (t) => ({
    toolName: t.string({ required: true, description: 'The tool, up to 100 characters; each only once.' }),
    callCount: t.int({ required: true, description: 'How often it was called, at least once.' }),
    successRate: t.float({ required: true, description: 'Share of the calls that did not fail, 0 to 1.' }),
    avgDurationMs: t.float({ description: 'Mean milliseconds of a call.' }),
    toolSequence: t.field({
      type: 'JSON',
      description: 'The places of its calls among all tool calls of the run.',
    }),
    totalCostUsd: t.field({ type: 'Usd', description: 'What its calls cost.' }),
    errorTypes: t.stringList({ description: 'What its failed calls said.' }),
  }),
})

const FailurePatternInput = builder.inputType('FailurePatternInput', {
  description: 'One thing that went wrong in a run.',
  fields: (t) => ({
    failureType: t.string({ required: true, description: 'What it was, up to 100 characters.' }),
    failureCategory: t.field({ type: ErrorCategoryEnum, required: true, description: 'What kind of fault.' }),
    errorMessage: t.string({ description: 'What was said about it, up to 10,000 characters.' }),
    recoveryAttempted: t.boolean({ description: 'Whether the agent tried to recover.' }),
    recoverySuccessful: t.boolean({ description: 'Whether it did recover.' }),
    resolutionSteps: t.string({ description: 'How to mend it.' }),
  }),
})

const OutcomeInputType = builder.inputType('OutcomeInput', {
  description: 'What came of one run.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'The simulation’s key.' }),
    scenarioId: t.string({ required: true, description: 'The scenario’s key, or its source’s id.' }),
    status: t.field({ type: OutcomeStatusEnum, required: true, description: 'How the run ended.' }),
    outcomeId: t.field({
      type: 'UUID',
      description:
        'Its key. When not given it follows from simulation, scenario, repetition and attempt, so that sending a row again stores it once.',
    }),
    repetition: t.int({ description: 'Which repetition, from 1; 1 when not given.' }),
    executionTime: t.field({
      type: 'DateTime',
      description: 'When the run ended; now when not given. At most five minutes ahead.',
    }),
    reliabilityScore: t.float({ description: '0 to 1; not given means that nobody graded it.' }),
    executionTimeMs: t.float({ description: 'How long the run took, in milliseconds; rounded.' }),
    tokensUsed: t.int({ description: 'Tokens in all; the sum of the two below when not given.' }),
    promptTokens: t.int({ description: 'Tokens that went into the model.' }),
    completionTokens: t.int({ description: 'Tokens that came out of the model.' }),
    costUsd: t.field({ type: 'Usd', description: 'What the run cost.' }),
    trajectory: t.field({
      type: 'JSON',
      description:
        'All that the agent did, as any JSON; start_time and status are added when they are missing.',
    }),
    metrics: t.field({ type: 'JSONObject', description: 'Further figures.' }),
    model: t.string({ description: 'The model that ran, up to 200 characters.' }),
    modalCallId: t.string({ description: 'The Modal call that it ran in.' }),
    sandboxId: t.string({ description: 'The sandbox that it ran in.' }),
    error: t.string({ description: 'What went wrong, in words: becomes a failure pattern.' }),
    errorCode: t.string({ description: 'The error’s code, up to 200 characters.' }),
    errorCategory: t.field({
      type: ErrorCategoryEnum,
      description: 'What kind of fault; told from the error when not given.',
    }),
    retryCount: t.int({
      description:
        'How many attempts came before; 0 when not given. A later attempt takes the place of an earlier one.',
    }),
    toolUsage: t.field({
      type: [ToolUsageInput],
      description: 'The tools used; read from the trajectory when not given.',
    }),
    failurePatterns: t.field({
      type: [FailurePatternInput],
      description: 'What went wrong; made from the error when not given.',
    }),
  }),
})

const RecordOutcomeInput = builder.inputType('RecordOutcomeInput', {
  description: 'One outcome to store.',
  fields: (t) => ({
    outcome: t.field({ type: OutcomeInputType, required: true, description: 'The outcome.' }),
  }),
})

const RecordOutcomesInput = builder.inputType('RecordOutcomesInput', {
  description: 'Outcomes to store, of one or several simulations.',
  fields: (t) => ({
    outcomes: t.field({ type: [OutcomeInputType], required: true, description: '1 to 1,000 outcomes.' }),
  }),
})

const RecordScenarioResultsInput = builder.inputType('RecordScenarioResultsInput', {
  description: 'Results as sandboxes report them.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'The simulation’s key.' }),
    results: t.field({
      type: ['JSONObject'],
      required: true,
      description:
        '1 to 1,000 results: {scenario: {id, name, task_prompt}, trajectory: {status, execution_time_seconds, token_usage, …}, reliability_score: {overall_score, dimension_scores}, modal_call_id, sandbox_id, error, error_code}.',
    }),
  }),
})

const OutcomeReceiptType = builder.objectRef<OutcomeReceipt>('OutcomeReceipt').implement({
  description: 'What became of one outcome of a call.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its place in the call, from 0.' }),
    outcomeId: t.expose('outcomeId', {
      type: 'UUID',
      nullable: true,
      description: 'Its key; null when it was rejected before it had one.',
    }),
    status: t.expose('status', { type: ReceiptStatus, description: 'What became of it.' }),
    code: t.expose('code', {
      type: ErrorCodeEnum,
      nullable: true,
      description: 'Why it was rejected, for programs.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it was rejected, in words.' }),
    path: t.stringList({
      nullable: true,
      description: 'The field at fault, from the row inwards.',
      resolve: ({ path }) => path && pathAsText(path),
    }),
    notes: t.stringList({
      description: 'What was changed so that it could be stored.',
      resolve: ({ notes }) => [...notes],
    }),
  }),
})

const RecordOutcomesPayload = payloadType<OutcomeReceipt[]>(
  'RecordOutcomesPayload',
  'What became of the outcomes.',
  (t) => ({
    receipts: t.field({
      type: [OutcomeReceiptType],
      description: 'One for each row, in the order of the call.',
      resolve: ({ result }) => result ?? [],
    }),
    storedCount: t.int({
      description: 'How many rows were stored by this call.',
      resolve: ({ result }) => (result ?? []).filter(({ status }) => status === 'STORED').length,
    }),
  }),
)

const RecordOutcomePayload = payloadType<OutcomeReceipt>(
  'RecordOutcomePayload',
  'What became of the outcome.',
  (t) => ({
    receipt: t.field({
      type: OutcomeReceiptType,
      nullable: true,
      description: 'What became of it; null when there are errors.',
      resolve: ({ result }) => result,
    }),
  }),
)

builder.mutationFields((t) => ({
  recordOutcome: t.field({
    type: RecordOutcomePayload,
    description:
      'Stores one outcome. Calls that arrive together are stored together; each is answered after the commit that holds its row.',
    args: { input: t.arg({ type: RecordOutcomeInput, required: true, description: 'The outcome.' }) },
    resolve: (_, { input }, { viewer, reads, services }) =>
      payloadOf(() =>
        reads.pausedFor(() => services.outcomeQueue.record(viewer, input.outcome as OutcomeInput)),
      ),
  }),
  recordOutcomes: t.field({
    type: RecordOutcomesPayload,
    description: 'Stores outcomes in one transaction. Each row has its receipt; a bad one costs no other.',
    args: { input: t.arg({ type: RecordOutcomesInput, required: true, description: 'The outcomes.' }) },
    resolve: (_, { input }, { write }) =>
      payloadOf(() => recordOutcomes(write, input.outcomes as OutcomeInput[])),
  }),
  recordScenarioResults: t.field({
    type: RecordOutcomesPayload,
    description:
      'Stores results in the structure that sandboxes report. A scenario that is unknown is made when the result brings a prompt, and joins the simulation.',
    args: { input: t.arg({ type: RecordScenarioResultsInput, required: true, description: 'The results.' }) },
    resolve: (_, { input }, { write }) =>
      payloadOf(() => recordSandboxResults(write, input.simulationId, input.results)),
  }),
}))
