import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { cutText, shorten } from '../../text.ts'
import type { EmbeddedText } from './embeddedText.ts'
import { leavesOf } from './leaves.ts'
import { plainWords } from './plainWords.ts'
import { toolNames } from './scenarioText.ts'

export interface EmbeddedConfiguration {
  /** As it is stored: `parsedConfig`. */
  parsedConfig: JsonObject
  model: string
  temperature: number | null
}

const TOOL_KEYS: ReadonlySet<string> = new Set([
  'tools',
  'functions',
  'commands',
  'bundles',
  'mcp_servers',
  'skills',
])
/** Longer texts, and those of several lines, are prompts. */
const MAX_SETTING = 80
const MAX_SETTINGS = 1_500
const MAX_PROMPT_START = 300
const MAX_HEADINGS = 400
const MAX_PROMPTS = 3_000

/** Markdown's headings, lines in capitals, and short ones that end with a colon. */
const HEADING = /^(?:#{1,6} .+|[\p{Lu}\d][\p{Lu}\d _-]{3,60}:?|[^\n:]{3,50}:)$/gmu

/**
 * A configuration version: model and temperature, tools, settings as `path value`, and of each prompt its headings and its start. The YAML's
 * own layout, order and comments are not in it.
 */
export const configurationText: EmbeddedText<EmbeddedConfiguration> = {
  kind: 'configuration',
  version: 1,
  of({ parsedConfig, model, temperature }) {
    const { model: _model, temperature: _temperature, model_as_written: _written, ...rest } = parsedConfig
    const settings: string[] = []
    const prompts: string[] = []
    for (const { path, value } of leavesOf(rest)) {
      const text = String(value).trim()
      if (text === '') continue
      if (text.length > MAX_SETTING || text.includes('\n')) prompts.push(promptOf(path, text))
      else settings.push(`${path} ${text}`)
    }
    const tools = [...new Set(toolsIn(rest))].map(plainWords)
    return [
      `Model ${model}${temperature === null ? '' : `, temperature ${temperature}`}`,
      tools.length > 0 && `Tools: ${tools.join(', ')}`,
      settings.length > 0 && `Settings: ${shorten([...new Set(settings)].join(', '), MAX_SETTINGS)}`,
      cutText(prompts.join('\n'), MAX_PROMPTS),
    ]
      .filter(Boolean)
      .join('\n')
  },
}

function promptOf(path: string, text: string): string {
  const headings = [...text.matchAll(HEADING)].map(([line]) => line.replace(/[#:]/g, '').trim())
  const sections = headings.length > 0 ? ` Sections: ${shorten(headings.join(', '), MAX_HEADINGS)}.` : ''
  return `${path}:${sections} ${shorten(text.replace(/\s+/g, ' '), MAX_PROMPT_START)}`
}

function* toolsIn(tree: JsonValue): Generator<string> {
  if (Array.isArray(tree)) for (const entry of tree) yield* toolsIn(entry)
  else if (isJsonObject(tree)) {
    for (const [key, value] of Object.entries(tree)) {
      if (TOOL_KEYS.has(key)) yield* toolNames(value)
      yield* toolsIn(value)
    }
  }
}
