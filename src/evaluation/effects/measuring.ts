import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import type { JsonObject } from '../../json.ts'
import { Refusal } from '../../refusal.ts'
import { inTurns } from '../../turns.ts'
import { readPairedValues } from '../comparison/pairedValues.ts'
import { ChangeHistory } from './changeEffects.ts'
import { type ChangeKey, changeKeys, MOST_CHANGE_KEYS } from './changeKeys.ts'
import { deltasOf, isRevised } from './deltas.ts'
import {
  type DiffToMeasure,
  deleteMarks,
  findDiff,
  findMeasured,
  findPair,
  findTrees,
  insertChanges,
  keepPrediction,
  lockMeasuring,
  type MeasuredPair,
  markDiff,
  markEffects,
  marksOf,
  replaceDeltas,
  replaceEffects,
} from './effectStore.ts'

/**
 * Measures a diff that is marked, of the viewer's tenant: what it changed, what was to be expected of it, and what its runs brought. Without one: what changes do,
 * over all that was measured. Done twice at a time, one of both leaves it to the other; what is marked meanwhile stays marked.
 */
export async function measure(transaction: TenantTransaction, diffId: string | null): Promise<void> {
  if (!(await lockMeasuring(transaction, diffId ?? 'effects'))) return
  const marks = await marksOf(transaction, diffId)
  if (marks.length === 0) return
  if (diffId === null) await measureEffects(transaction)
  else await measureDiff(transaction, diffId)
  await deleteMarks(transaction, marks)
}

async function measureDiff(transaction: TenantTransaction, diffId: string): Promise<void> {
  const diff = await findDiff(transaction, diffId)
  await markEffects(transaction)
  // Its configuration was deleted; if that is taken back its runs are marked again.
  if (diff === null) return
  const { changes, tooMany } = await changesOf(transaction, diffId, diff)
  if (!diff.isPredicted) {
    const history = new ChangeHistory(await findMeasured(transaction, diff.createdAt))
    await keepPrediction(transaction, diffId, await history.predict(changes, tooMany))
  }
  await replaceDeltas(transaction, diffId, await measuredPair(transaction, diff))
}

async function measuredPair(
  transaction: TenantTransaction,
  diff: DiffToMeasure,
): Promise<MeasuredPair | null> {
  const pair = await findPair(transaction, diff)
  if (pair === null) return null
  try {
    const [values] = await readPairedValues(transaction, [[pair.baselineId, pair.candidateId]])
    const deltas = (await inTurns(deltasOf(values!))).filter((delta) => delta !== undefined)
    return { pair, deltas, revisedScenarios: values!.scenarios.filter(isRevised).length }
  } catch (error) {
    // Nothing is made of so many runs, and to try it again changes nothing.
    if (error instanceof Refusal && error.code === 'TOO_LARGE') return null
    throw error
  }
}

/** Keeps what a new diff changed, and has it predicted soon. */
export async function noteChanges(
  transaction: TenantTransaction,
  diffId: string,
  before: JsonObject,
  after: JsonObject,
): Promise<void> {
  const changes = changeKeys(before, after)
  if (changes.length <= MOST_CHANGE_KEYS) await insertChanges(transaction, diffId, changes)
  await markDiff(transaction, diffId)
}

async function changesOf(
  transaction: TenantTransaction,
  diffId: string,
  { changes, versionBefore, versionAfter }: DiffToMeasure,
): Promise<{ changes: readonly ChangeKey[]; tooMany: boolean }> {
  if (changes !== null) return { changes, tooMany: false }
  const trees = await findTrees(transaction, [versionBefore, versionAfter])
  const found = changeKeys(trees.get(versionBefore)!, trees.get(versionAfter)!)
  if (found.length > MOST_CHANGE_KEYS) return { changes: [], tooMany: true }
  await insertChanges(transaction, diffId, found)
  return { changes: found, tooMany: false }
}

async function measureEffects(transaction: TenantTransaction): Promise<void> {
  const history = new ChangeHistory(await findMeasured(transaction, null))
  await replaceEffects(transaction, (await inTurns(history.effects())).flat())
}
