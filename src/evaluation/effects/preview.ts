import { parseConfigDocument } from '../configurations/configDocument.ts'
import { ChangeHistory, type ImpactPrediction } from './changeEffects.ts'
import { changeKeys, MOST_CHANGE_KEYS } from './changeKeys.ts'
import { predictedOf } from './effectStore.ts'

/**
 * What is to be expected of a version that nobody has made: of this YAML, after the version that was read (`predictionSource`). Nothing is stored. Null when
 * there is no such version.
 * @throws Refusal as `parseConfigDocument`
 */
export async function previewImpact(read: string, yaml: string): Promise<ImpactPrediction | null> {
  const { parsedConfig } = parseConfigDocument(yaml)
  const known = predictedOf(read)
  if (known === null) return null
  const changes = changeKeys(known.before, parsedConfig)
  const tooMany = changes.length > MOST_CHANGE_KEYS
  return new ChangeHistory(known.measured).predict(tooMany ? [] : changes, tooMany)
}
