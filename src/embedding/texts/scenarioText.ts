import { isText } from '../../exactNumbers.ts'
import { isJsonObject, type JsonValue } from '../../json.ts'
import { cutStart, cutText, isLongerThan } from '../../text.ts'
import type { EmbeddedText } from './embeddedText.ts'
import { leavesOf } from './leaves.ts'
import { maskedWords, plainWords } from './plainWords.ts'

export interface EmbeddedScenario {
  name: string
  taskPrompt: string
  groundTruth?: JsonValue | undefined
  expectedTools?: JsonValue | undefined
}

const MAX_NAME = 200
/** Characters of each end of a prompt: a long one often begins as all of its suite do. */
const MAX_PROMPT_END = 750
const MAX_ANSWER = 300
const MAX_TOOLS = 30

/** A scenario: its name, what it asks for, the tools that are expected and the start of the expected answer, ids and numbers masked. */
export const scenarioText: EmbeddedText<EmbeddedScenario> = {
  kind: 'scenario',
  version: 1,
  of({ name, taskPrompt, groundTruth, expectedTools }) {
    const tools = toolNames(expectedTools).slice(0, MAX_TOOLS).map(plainWords)
    const answer = [...leavesOf(groundTruth ?? null)]
      .map(({ keys, value }) => `${plainWords(keys.at(-1) ?? '')} ${value}`)
      .join(', ')
    return [
      maskedWords(name, MAX_NAME),
      ...endsOf(taskPrompt).map((part) => maskedWords(part, 2 * MAX_PROMPT_END)),
      tools.length > 0 && `Expected tools: ${tools.join(', ')}`,
      answer.trim() && `Expected: ${maskedWords(answer.trim(), MAX_ANSWER)}`,
    ]
      .filter(Boolean)
      .join('\n')
  },
}

function endsOf(prompt: string): string[] {
  return isLongerThan(prompt, 2 * MAX_PROMPT_END)
    ? [cutText(prompt, MAX_PROMPT_END), cutStart(prompt, MAX_PROMPT_END)]
    : [prompt]
}

/** Of `["name"]`, `[{name}]`, `[{function: {name}}]` or `{name: …}`. */
export function toolNames(tools: JsonValue | undefined): string[] {
  if (isJsonObject(tools)) return Object.keys(tools)
  if (!Array.isArray(tools)) return []
  return tools
    .map((tool) => {
      if (!isJsonObject(tool)) return tool
      const described = isJsonObject(tool.function) ? tool.function : tool
      return described.name ?? described.tool ?? described.id ?? null
    })
    .filter(isText)
}
