import { createHash } from 'node:crypto'
import type { ArcClient } from './arcClient.ts'
import {
  CreateConfigurationDocument,
  CreateConfigVersionDocument,
  FindConfigurationDocument,
} from './operations.ts'
import { accepted, askPatiently } from './patience.ts'

interface EnsuredVersion {
  versionId: string
  versionNumber: number
  /** False when the configuration had a version with just this YAML. */
  created: boolean
}

/**
 * The version of the configuration of this name that has just this YAML, wherever in its history it stands; what is
 * missing of it is made.
 *
 * @throws ArcRequestError, AbortError once `stopping` has come.
 */
export async function ensureConfigVersion(
  client: ArcClient,
  configuration: { name: string; yaml: string },
  stopping?: AbortSignal,
): Promise<EnsuredVersion> {
  const { yaml } = configuration
  // As the server keeps it: without this it would not be found again.
  const name = configuration.name.trim()
  const configHash = createHash('sha256').update(yaml).digest('hex')
  const find = async () => {
    const { configurations } = await askPatiently(
      client,
      FindConfigurationDocument,
      { name, configHash },
      stopping,
    )
    return configurations.nodes[0]
  }
  let found = await find()
  if (!found) {
    const { createConfiguration } = await askPatiently(
      client,
      CreateConfigurationDocument,
      {
        input: { name, yaml },
      },
      stopping,
    )
    // Somebody made it in between, or this call did and its answer got lost.
    if (createConfiguration.errors.some(({ code }) => code === 'NAME_TAKEN')) found = await find()
    if (!found) return { ...accepted(createConfiguration).version!, created: true }
  }
  const known = found.versions.nodes.find(({ isDeleted }) => !isDeleted)
  if (known) return { versionId: known.versionId, versionNumber: known.versionNumber, created: false }
  const { configId } = found
  const { createConfigVersion } = await askPatiently(
    client,
    CreateConfigVersionDocument,
    {
      input: { configId, yaml },
    },
    stopping,
  )
  const { version, created } = accepted(createConfigVersion)
  return { ...version!, created }
}
