// Writes what is generated from the schema and committed: schema.graphql and the typed documents of src/client.
// `--check` writes nothing and fails when one of them is not what it would write.
import { readFile, writeFile } from 'node:fs/promises'
import { codegen } from '@graphql-codegen/core'
import * as typescriptOperations from '@graphql-codegen/typescript-operations'
import {
  type DocumentNode,
  lexicographicSortSchema,
  parse,
  print,
  printSchema,
  separateOperations,
  stripIgnoredCharacters,
} from 'graphql'
import { schema } from './src/graphql/schema.ts'

const OPERATIONS = 'src/client/operations.graphql'
const CLIENT = 'src/client/operations.ts'
const SCHEMA = 'schema.graphql'

const schemaText = `${printSchema(lexicographicSortSchema(schema))}\n`

const operations = parse(await readFile(OPERATIONS, 'utf8'))
const clientTypes = await codegen({
  filename: CLIENT,
  schema: parse(schemaText),
  documents: [{ location: OPERATIONS, document: operations }],
  config: {
    useTypeImports: true,
    enumsAsTypes: true,
    skipTypename: true,
    defaultScalarType: 'unknown',
    strictScalars: true,
    scalars: {
      DateTime: { input: 'string | Date', output: 'string' },
      JSON: { input: 'unknown', output: 'unknown' },
      JSONObject: { input: 'Record<string, unknown>', output: 'Record<string, unknown>' },
      SafeInt: { input: 'number', output: 'number' },
      UUID: { input: 'string', output: 'string' },
      Usd: { input: 'number', output: 'number' },
    },
  },
  plugins: [{ typescriptOperations: {} }],
  pluginMap: { typescriptOperations },
})

/** Each operation with its fragments as text: a client that sends text needs no GraphQL library. */
function typedDocuments(document: DocumentNode): string {
  return Object.entries(separateOperations(document))
    .map(([name, operation]) => {
      const definition = operation.definitions.find(({ kind }) => kind === 'OperationDefinition')!
      const type = name + capitalised((definition as { operation: string }).operation)
      const text = stripIgnoredCharacters(print(operation))
      return `export const ${name}Document: TypedDocument<${type}, ${type}Variables> =\n  ${JSON.stringify(text)}\n`
    })
    .join('\n')
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

const stale: string[] = []
for (const [file, text] of [
  [SCHEMA, schemaText],
  [
    CLIENT,
    `// Made by codegen.ts from ${OPERATIONS}: change that, and run \`npm run codegen\`.
import type { TypedDocument } from './typedDocument.ts'

${clientTypes}
${typedDocuments(operations)}`,
  ],
] as const) {
  if ((await readFile(file, 'utf8').catch(() => '')) === text) continue
  if (process.argv.includes('--check')) stale.push(file)
  else await writeFile(file, text)
}
if (stale.length > 0) {
  console.error(`Not up to date: ${stale.join(', ')}. Run "npm run codegen".`)
  process.exitCode = 1
}
