import type { OutcomeInput } from '../evaluation/outcomeInput.ts'
import { type OutcomeReceipt, recordOutcomes, rejection } from '../evaluation/outcomes/outcomes.ts'
import { recordSandboxResults } from '../evaluation/outcomes/sandboxResults.ts'
import { builder } from './builder/builder.ts'
import { MARKED_JSON, withReadableRows } from './builder/unreadableRows.ts'
import { ErrorCategoryEnum, OutcomeStatusEnum } from './outcome.ts'
import { ErrorCodeEnum, pathAsText, payloadOf, payloadType } from './payload.ts'

export const ToolUsageInput = builder.inputType('ToolUsageInput', {
  description: 'How a run used one tool.',
  fields: (t) => ({
    toolName: t.string({ required: true, description: 'The tool, up to 100 characters; each only once.' }),
    callCount: t.int({ required: true, description: 'How often it was called, at least once.' }),
    successRate: t.float({ required: true, description: 'Share of the calls that did not fail, 0 to 1.' }),
    avgDurationMs: t.float({ description: 'Mean milliseconds of a call.' }),
    toolSequence: t.field({
      type: 'JSON',
      description: 'The positions of its calls among all tool calls of the run.',
    }),
    totalCostUsd: t.field({ type: 'Usd', description: 'What its calls cost.' }),
    errorTypes: t.stringList({ description: 'Errors of its failed calls.' }),
  }),
})

export const FailurePatternInput = builder.inputType('FailurePatternInput', {
  description: 'One failure in a run.',
  fields: (t) => ({
    failureType: t.string({ required: true, description: 'Its type, up to 100 characters.' }),
    failureCategory: t.field({
      type: ErrorCategoryEnum,
      description: 'The kind of error; that of the outcome by default.',
    }),
    errorMessage: t.string({ description: 'Its message, up to 10,000 characters.' }),
    recoveryAttempted: t.boolean({ description: 'Whether the agent tried to recover.' }),
    recoverySuccessful: t.boolean({ description: 'Whether it recovered.' }),
    resolutionSteps: t.string({ description: 'How to fix it.' }),
  }),
})

const OutcomeInputType = builder.inputType('OutcomeInput', {
  extensions: { markedBy: 'simulationId' },
  description: 'The result of one run.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'The simulation’s key.' }),
    scenarioId: t.string({ required: true, description: 'The scenario’s key, or its source’s id.' }),
    status: t.field({ type: OutcomeStatusEnum, required: true, description: 'How the run ended.' }),
    outcomeId: t.field({
      type: 'UUID',
      description:
        'Its key; by default that of the last attempt of its run, if it is that one, else derived from simulation, scenario, repetition and attempt, so that a row sent again is stored once. Another outcome under the key is a CONFLICT.',
    }),
    repetition: t.int({
      description:
        'Which repetition, from 1; by default that of an equal outcome already stored, else the first whose run lacks this attempt.',
    }),
    executionTime: t.field({
      type: 'DateTime',
      description: 'When the run ended; now by default. At most five minutes ahead.',
    }),
    reliabilityScore: t.float({ description: '0 to 1; omit it if the run was not graded.' }),
    executionTimeMs: t.float({ description: 'How long the run took, in milliseconds; rounded.' }),
    tokensUsed: t.int({ description: 'Total tokens; by default the sum of input and output.' }),
    promptTokens: t.int({ description: 'Input tokens of the model.' }),
    completionTokens: t.int({ description: 'Output tokens of the model.' }),
    costUsd: t.field({ type: 'Usd', description: 'What the run cost.' }),
    trajectory: t.field({
      type: 'JSON',
      description: 'Everything the agent did, as any JSON; start_time and status are added if missing.',
    }),
    metrics: t.field({ type: 'JSONObject', description: 'Further metrics.' }),
    model: t.string({
      description: 'The model that ran, up to 200 characters; that of the configuration version by default.',
    }),
    modalCallId: t.string({ description: 'The Modal call that it ran in.' }),
    sandboxId: t.string({ description: 'The sandbox that it ran in.' }),
    error: t.string({ description: 'Why it failed, in words: becomes a failure pattern.' }),
    errorCode: t.string({ description: 'The error’s code, up to 200 characters.' }),
    errorCategory: t.field({
      type: ErrorCategoryEnum,
      description: 'The kind of error; derived from the error by default.',
    }),
    retryCount: t.int({
      description:
        'How many attempts came before; 0 by default, at most the simulation’s maxRetries. The run shows its latest attempt.',
    }),
    toolUsage: t.field({
      type: [ToolUsageInput],
      description: 'The tools used; read from the trajectory by default.',
    }),
    failurePatterns: t.field({
      type: [FailurePatternInput],
      description: 'Its failures; derived from the error by default.',
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
  description: 'Outcomes to store, of one or more simulations.',
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

const OutcomeReceiptStatus = builder.enumType('OutcomeReceiptStatus', {
  description: 'The result of one outcome of a call.',
  values: {
    STORED: { value: 'STORED', description: 'It was stored.' },
    DUPLICATE: { value: 'DUPLICATE', description: 'An equal one was already stored; nothing was written.' },
    CONFLICT: {
      value: 'CONFLICT',
      description:
        'Another outcome is stored under its id; nothing was written. amendOutcomes changes a stored outcome.',
    },
    REJECTED: {
      value: 'REJECTED',
      description: 'It cannot be stored; see code, reason and path. Other rows are not affected.',
    },
  } as const,
})

const OutcomeReceiptType = builder.objectRef<OutcomeReceipt>('OutcomeReceipt').implement({
  description: 'The result of one outcome of a call.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its position in the call, from 0.' }),
    outcomeId: t.expose('outcomeId', {
      type: 'UUID',
      nullable: true,
      description: 'Its key; null when it was rejected before it had one.',
    }),
    status: t.expose('status', { type: OutcomeReceiptStatus, description: 'Its result.' }),
    code: t.expose('code', {
      type: ErrorCodeEnum,
      nullable: true,
      description: 'Why it was rejected, as a code.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it was rejected, in words.' }),
    path: t.stringList({
      nullable: true,
      description: 'The field at fault, from the row inwards.',
      resolve: ({ path }) => path && pathAsText(path),
    }),
    differences: t.stringList({
      description: 'For a CONFLICT: the fields that differ from the outcome stored under its id.',
      resolve: ({ differences }) => [...differences],
    }),
    notes: t.stringList({
      description: 'What was changed so that it could be stored.',
      resolve: ({ notes }) => [...notes],
    }),
  }),
})

const RecordOutcomesPayload = payloadType<OutcomeReceipt[]>(
  'RecordOutcomesPayload',
  'The receipts, or the errors.',
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
  'The receipt, or the errors.',
  (t) => ({
    receipt: t.field({
      type: OutcomeReceiptType,
      nullable: true,
      description: 'Its receipt; null when there are errors.',
      resolve: ({ result }) => result,
    }),
  }),
)

builder.mutationFields((t) => ({
  recordOutcome: t.field({
    type: RecordOutcomePayload,
    description:
      'Stores one outcome. Calls that arrive together are stored together; each is answered after its row is committed.',
    args: { input: t.arg({ type: RecordOutcomeInput, required: true, description: 'The outcome.' }) },
    resolve: (_, { input }, { viewer, reads, services, requestBytes }) =>
      payloadOf(async () => {
        const receipt = await reads.pausedFor(() =>
          services.outcomeQueue.record(viewer, input.outcome as OutcomeInput, requestBytes),
        )
        services.watch.ingested([receipt])
        return receipt
      }),
  }),
  recordOutcomes: t.field({
    type: RecordOutcomesPayload,
    description:
      'Stores outcomes in one transaction. Each row has a receipt; a bad row does not affect others.',
    args: { input: t.arg({ type: RecordOutcomesInput, required: true, description: 'The outcomes.' }) },
    resolve: (_, { input }, context) =>
      payloadOf(() =>
        withReadableRows(context, input.outcomes as OutcomeInput[], 'simulationId', rejection, (outcomes) =>
          recordOutcomes(context.write, outcomes),
        ).then(context.services.watch.ingested),
      ),
  }),
  recordScenarioResults: t.field({
    type: RecordOutcomesPayload,
    description:
      'Stores results in the structure that sandboxes report. An unknown scenario is created if the result has a prompt, and joins the simulation.',
    args: { input: t.arg({ type: RecordScenarioResultsInput, required: true, description: 'The results.' }) },
    resolve: (_, { input }, context) =>
      payloadOf(() =>
        withReadableRows(context, input.results, MARKED_JSON, rejection, (results) =>
          recordSandboxResults(context.write, context.services.quotas.openRuns, input.simulationId, results),
        ).then(context.services.watch.ingested),
      ),
  }),
}))
