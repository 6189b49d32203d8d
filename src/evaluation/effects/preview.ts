import type { OperationReads } from '../../reads/operationReads.ts'
import { parseConfigDocument } from '../configurations/configDocument.ts'
import { ChangeHistory, type ImpactPrediction } from './changeEffects.ts'
import { changeKeys, MOST_CHANGE_KEYS } from './changeKeys.ts'
import { findMeasured, findTrees } from './effectStore.ts'

/**
 * What is to be expected of a version that nobody has made: of this YAML, after that version. Nothing is stored. Null when there is no such version.
 * @throws Refusal as `parseConfigDocument`
 */
export async function previewImpact(
  reads: Pick<OperationReads, 'query'>,
  versionBefore: string,
  yaml: string,
): Promise<ImpactPrediction | null> {
  const { parsedConfig } = parseConfigDocument(yaml)
  const before = (await findTrees(reads, [versionBefore])).get(versionBefore.toLowerCase())
  if (before === undefined) return null
  const changes = changeKeys(before, parsedConfig)
  const tooMany = changes.length > MOST_CHANGE_KEYS
  const history = new ChangeHistory(await findMeasured(reads, null))
  return history.predict(tooMany ? [] : changes, tooMany)
}
