import { readFileSync } from 'node:fs'
import { ConfigError } from '../config.ts'

/** Documents by their ids: mostly the SHA-256 of their text in hex. */
export type TrustedDocuments = ReadonlyMap<string, string>

/**
 * Reads a manifest of trusted documents: an object of id to document, as Relay, urql and GraphQL Code Generator write it,
 * or Apollo's `{"operations": [{"id", "body"}]}`. An id may carry the prefix "sha256:".
 *
 * @throws ConfigError for a file that is neither.
 */
export function readTrustedDocuments(file: string): TrustedDocuments {
  let manifest: unknown
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError(`ARC_TRUSTED_DOCUMENTS: ${file} is not readable JSON: ${(error as Error).message}`)
  }
  const entries = entriesOf(manifest)
  if (!entries)
    throw new ConfigError(
      `ARC_TRUSTED_DOCUMENTS: ${file} must be an object of id to document, or Apollo's manifest.`,
    )
  return new Map(entries.map(([id, document]) => [bare(id), document]))
}

/** The document that a client asks for. */
export function trustedDocument(documents: TrustedDocuments, id: string): string | undefined {
  return documents.get(bare(id))
}

function bare(id: string): string {
  return id.replace(/^sha256:/, '')
}

function entriesOf(manifest: unknown): [id: string, document: string][] | undefined {
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest)) return undefined
  const { operations } = manifest as { operations?: unknown }
  const entries = Array.isArray(operations)
    ? operations.map((operation) => [operation?.id, operation?.body])
    : Object.entries(manifest)
  const areTexts = entries.every(([id, document]) => typeof id === 'string' && typeof document === 'string')
  return areTexts ? (entries as [string, string][]) : undefined
}
