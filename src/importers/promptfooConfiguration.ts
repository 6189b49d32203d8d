import { isText } from '../exactNumbers.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { isJsonObject } from '../json.ts'
import type { ImportedRun } from './format.ts'
import { asFigure, asList, asObject, asText } from './recordReading.ts'
import { modelOrUnknown, runConfiguration } from './runConfiguration.ts'

/** Its id, and its label where it has one. */
export function providerOf({ provider }: JsonObject): JsonObject {
  const { id, label } = isJsonObject(provider) ? provider : { id: provider ?? null }
  return asText(label) === null ? { id: id ?? null } : { id: id ?? null, label: label! }
}

export function providerName({ id, label }: JsonObject): string {
  return asText(label) ?? modelOrUnknown(asText(id))
}

/** The configuration that a result was made with: its provider with its settings, and its prompt. */
export function configurationOf(
  record: JsonObject,
  { suite, config: suiteConfig, prompts }: { suite: string; config: JsonObject; prompts: JsonValue[] },
): ImportedRun['configuration'] {
  const provider = providerOf(record)
  const entry = providerEntry(asList(suiteConfig.providers), provider)
  const promptIdx = asFigure(record.promptIdx)
  const described = promptIdx === null ? {} : asObject(prompts[promptIdx])
  const { raw: template = null, label = null, config = null } = described
  const promptName = promptNameOf(label, template)
  const settings = asObject(entry?.config)
  return runConfiguration(
    ['promptfoo', suite, providerName(provider), promptName ?? promptNumber(record, prompts)],
    asText(provider.id),
    settings.temperature ?? asObject(config).temperature,
    {
      provider: { ...provider, config: entry?.config ?? null },
      prompt: { label: promptName, config, template },
    },
  )
}

/** An entry of `config.providers`: `{id, label, config}` or `{<id>: {config}}`; names alone and files hold none. */
function providerEntry(entries: JsonValue[], { id, label }: JsonObject): JsonObject | null {
  for (const entry of entries.filter(isJsonObject)) {
    if (entry.id === id && (asText(label) === null || entry.label === label)) return entry
    const keyed = isText(id) && Object.hasOwn(entry, id) ? entry[id] : null
    if (isJsonObject(keyed)) return keyed
  }
  return null
}

/** What a prompt is called beside its text: a file's name or an own label. Without one its text is its label. */
function promptNameOf(label: JsonValue, template: JsonValue): string | null {
  const name = asText(label)
  const text = asText(template)
  if (name === null || name === text) return null
  const file = text !== null && name.endsWith(`: ${text}`) ? name.slice(0, -text.length - 2) : name
  // Folders tell where the suite lay and would make another prompt of it elsewhere.
  return asText(file.split(/[\\/]/).at(-1))
}

/** Tells further prompts without a name from the first that a provider is asked, which has no number: it may be alone. */
function promptNumber(record: JsonObject, prompts: JsonValue[]): string | null {
  const { id, label } = providerOf(record)
  const name = asText(label) ?? id
  const ofProvider = prompts.flatMap((prompt, index) => (asObject(prompt).provider === name ? [index] : []))
  const place = ofProvider.indexOf(asFigure(record.promptIdx) ?? -1)
  return place > 0 ? `prompt ${place + 1}` : null
}
