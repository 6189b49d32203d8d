import type { Connection } from './connection.ts'
import {
  type AmendmentReceiptFragment,
  AmendOutcomesDocument,
  type EmbeddingInput,
  type ErrorCode,
  type OutcomeAmendmentInput,
  type OutcomeInput,
  type OutcomeReceiptFragment,
  RecordEmbeddingsDocument,
  type RecordEmbeddingsMutation,
  RecordOutcomesDocument,
  RecordScenarioResultsDocument,
  type ScenarioInput,
  UpsertScenariosDocument,
  type UpsertScenariosMutation,
} from './operations.ts'
import type { RowKind } from './rowBatcher.ts'

export type OutcomeReceipt = OutcomeReceiptFragment
export type AmendmentReceipt = AmendmentReceiptFragment
export type EmbeddingReceipt = RecordEmbeddingsMutation['recordEmbeddings']['receipts'][number]
export type ScenarioReceipt = UpsertScenariosMutation['upsertScenarios']['receipts'][number]

/** A result as a sandbox reports it: `{ scenario, trajectory, reliability_score, … }`, in snake_case or camelCase. */
export type ScenarioResult = Record<string, unknown>

export function outcomeRows(connection: Connection): RowKind<OutcomeInput, OutcomeReceipt> {
  return {
    send: async (rows, options) =>
      (await connection.changeWith(RecordOutcomesDocument, `{"input":{"outcomes":[${rows}]}}`, options))
        .receipts,
    // A later attempt takes the place of an earlier one.
    orderKey: ({ simulationId, scenarioId, repetition }) =>
      `${simulationId}/${scenarioId}/${repetition ?? 1}`,
    rejected: rejectedOutcome,
  }
}

export function amendmentRows(connection: Connection): RowKind<OutcomeAmendmentInput, AmendmentReceipt> {
  return {
    send: async (rows, options) =>
      (await connection.changeWith(AmendOutcomesDocument, `{"input":{"amendments":[${rows}]}}`, options))
        .receipts,
    // What was found out last counts.
    orderKey: ({ outcomeId }) => outcomeId,
    rejected: (code, reason) => ({
      index: 0,
      outcomeId: null,
      status: 'REJECTED',
      code,
      reason,
      path: null,
      notes: [],
    }),
  }
}

/** Vectors of one model. */
export function embeddingRows(
  connection: Connection,
  model: string,
): RowKind<EmbeddingInput, EmbeddingReceipt> {
  return {
    send: async (rows, options) => {
      const variables = `{"input":{"model":${JSON.stringify(model)},"embeddings":[${rows}]}}`
      return (await connection.changeWith(RecordEmbeddingsDocument, variables, options)).receipts
    },
    // What comes last of a thing counts.
    orderKey: ({ patternId, signature, outcomeId, scenarioId, versionId }) =>
      patternId ?? signature ?? outcomeId ?? scenarioId ?? versionId ?? '',
    rejected: (code, reason) => ({ index: 0, subject: null, status: 'REJECTED', code, reason, path: null }),
  }
}

export function scenarioResultRows(
  connection: Connection,
  simulationId: string,
): RowKind<ScenarioResult, OutcomeReceipt> {
  return {
    send: async (rows, options) => {
      const variables = `{"input":{"simulationId":${JSON.stringify(simulationId)},"results":[${rows}]}}`
      return (await connection.changeWith(RecordScenarioResultsDocument, variables, options)).receipts
    },
    // A result may describe a scenario that a later one only names.
    orderKey: () => simulationId,
    rejected: rejectedOutcome,
  }
}

export function scenarioRows(connection: Connection): RowKind<ScenarioInput, ScenarioReceipt> {
  return {
    send: async (rows, options) =>
      (await connection.changeWith(UpsertScenariosDocument, `{"input":{"scenarios":[${rows}]}}`, options))
        .receipts,
    orderKey: () => 'scenarios',
    rejected: (code, reason) => ({
      index: 0,
      scenarioId: null,
      status: 'REJECTED',
      revision: null,
      code,
      reason,
      path: null,
    }),
  }
}

function rejectedOutcome(code: ErrorCode, reason: string): OutcomeReceipt {
  return {
    index: 0,
    outcomeId: null,
    status: 'REJECTED',
    code,
    reason,
    path: null,
    differences: [],
    notes: [],
  }
}
