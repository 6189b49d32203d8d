import {
  type AmendmentReceipt,
  amendOutcomes,
  type OutcomeAmendment,
} from '../evaluation/outcomes/amendments.ts'
import { rejection } from '../evaluation/outcomes/outcomes.ts'
import { builder } from './builder/builder.ts'
import { withReadableRows } from './builder/unreadableRows.ts'
import { ErrorCategoryEnum, OutcomeStatusEnum } from './outcome.ts'
import { AmendmentStatus, ErrorCodeEnum, pathAsText, payloadOf, payloadType } from './payload.ts'
import { FailurePatternInput, ToolUsageInput } from './recordOutcomes.ts'

const OutcomeAmendmentInput = builder.inputType('OutcomeAmendmentInput', {
  extensions: { markedBy: 'outcomeId' },
  description: 'What was found out about a stored outcome. What is left out stays as it is.',
  fields: (t) => ({
    outcomeId: t.field({ type: 'UUID', required: true, description: 'The outcome’s key.' }),
    status: t.field({
      type: OutcomeStatusEnum,
      description: 'How the run ended. It replaces the error and the failure patterns as well.',
    }),
    reliabilityScore: t.float({ description: '0 to 1; null takes a grade back.' }),
    metrics: t.field({ type: 'JSONObject', description: 'All further metrics, in place of those stored.' }),
    addMetrics: t.field({
      type: 'JSONObject',
      description: 'Further metrics beside those stored, in place of those of the same names.',
    }),
    error: t.string({
      description:
        'Why it failed, in words: becomes its failure pattern; null takes its failure patterns back.',
    }),
    errorCode: t.string({ description: 'The error’s code, up to 200 characters; null removes it.' }),
    errorCategory: t.field({
      type: ErrorCategoryEnum,
      description: 'The kind of error; derived from a given status and error by default.',
    }),
    failurePatterns: t.field({
      type: [FailurePatternInput],
      description: 'All its failures, in place of those stored.',
    }),
    toolUsage: t.field({
      type: [ToolUsageInput],
      description: 'All tools used, in place of those stored.',
    }),
    executionTimeMs: t.float({ description: 'How long the run took, in milliseconds; rounded.' }),
    tokensUsed: t.int({ description: 'Total tokens; by default the sum of input and output if given.' }),
    promptTokens: t.int({ description: 'Input tokens of the model.' }),
    completionTokens: t.int({ description: 'Output tokens of the model.' }),
    costUsd: t.field({ type: 'Usd', description: 'What the run cost.' }),
    model: t.string({ description: 'The model that ran, up to 200 characters.' }),
    trajectory: t.field({
      type: 'JSON',
      description:
        'Everything the agent did, in place of what is stored: of a run that went on. Its tools are counted anew unless toolUsage is given.',
    }),
    trajectoryGrows: t.boolean({
      description:
        'Whether the run goes on while it is stored: an amendment whose trajectory has fewer steps than the stored one is an older copy of it and changes nothing. False by default.',
    }),
  }),
})

const AmendOutcomesInput = builder.inputType('AmendOutcomesInput', {
  description: 'Amendments of stored outcomes, of one or more simulations.',
  fields: (t) => ({
    amendments: t.field({
      type: [OutcomeAmendmentInput],
      required: true,
      description: '1 to 1,000 amendments, each of another outcome.',
    }),
  }),
})

const AmendmentReceiptType = builder.objectRef<AmendmentReceipt>('AmendmentReceipt').implement({
  description: 'The result of one amendment of a call.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its position in the call, from 0.' }),
    outcomeId: t.expose('outcomeId', {
      type: 'UUID',
      nullable: true,
      description: 'The outcome’s key; null when it is no key.',
    }),
    status: t.expose('status', { type: AmendmentStatus, description: 'Its result.' }),
    code: t.expose('code', {
      type: ErrorCodeEnum,
      nullable: true,
      description: 'Why it was rejected, as a code.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it was rejected, in words.' }),
    path: t.stringList({
      nullable: true,
      description: 'The field at fault, from the amendment inwards.',
      resolve: ({ path }) => path && pathAsText(path),
    }),
    notes: t.stringList({
      description: 'What was changed so that it could be stored.',
      resolve: ({ notes }) => [...notes],
    }),
  }),
})

const AmendOutcomesPayload = payloadType<AmendmentReceipt[]>(
  'AmendOutcomesPayload',
  'The receipts, or the errors.',
  (t) => ({
    receipts: t.field({
      type: [AmendmentReceiptType],
      description: 'One for each amendment, in the order of the call.',
      resolve: ({ result }) => result ?? [],
    }),
    amendedCount: t.int({
      description: 'How many outcomes were changed by this call.',
      resolve: ({ result }) => (result ?? []).filter(({ status }) => status === 'AMENDED').length,
    }),
  }),
)

builder.mutationField('amendOutcomes', (t) =>
  t.field({
    type: AmendOutcomesPayload,
    description:
      'Amends stored outcomes, e.g. grades them later, whether their simulation is running or has ended. Runs, counts, sums and the overall score follow; the audit log keeps what was before, of a trajectory its digest.',
    args: { input: t.arg({ type: AmendOutcomesInput, required: true, description: 'The amendments.' }) },
    resolve: (_, { input }, context) =>
      payloadOf(() =>
        withReadableRows(
          context,
          input.amendments as OutcomeAmendment[],
          'outcomeId',
          rejection,
          (amendments) => amendOutcomes(context.write, amendments),
        ),
      ),
  }),
)
