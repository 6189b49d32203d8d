// Writes what is generated from the schema and committed: schema.graphql, its reference for people, and the typed
// documents of src/client.
// `--check` writes nothing and fails when one of them is not what it would write.
import { readFile, writeFile } from 'node:fs/promises'
import { codegen } from '@graphql-codegen/core'
import * as typescriptOperations from '@graphql-codegen/typescript-operations'
import {
  type DocumentNode,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
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
const REFERENCE = 'docs/schema.md'

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

/** What every list takes, said once. */
const PAGE_ARGUMENTS = ['first', 'after', 'last', 'before']

/** The schema as a page for people: every type, with what its fields and arguments mean. */
function schemaReference(sorted: GraphQLSchema): string {
  const roots = ['Query', 'Mutation', 'Subscription']
  const types = Object.values(sorted.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type) && !roots.includes(type.name),
  )
  const named = (pattern: RegExp) => (type: GraphQLNamedType) => pattern.test(type.name)
  // The first that takes a type has it.
  const groups: [title: string, takes: (type: GraphQLNamedType) => boolean][] = [
    ['Pages', named(/(Connection|Edge)$/)],
    ['Answers of mutations', named(/Payload$/)],
    ['Objects', isObjectType],
    ['Interfaces', isInterfaceType],
    ['Filters', (type) => isInputObjectType(type) && type.name.endsWith('Filter')],
    ['Orders', (type) => isInputObjectType(type) && type.name.endsWith('Order')],
    ['Inputs', isInputObjectType],
    ['Enums', isEnumType],
    ['Scalars', isScalarType],
  ]
  const members = new Map(groups.map(([title]) => [title, [] as GraphQLNamedType[]]))
  for (const type of types) members.get(groups.find(([, takes]) => takes(type))![0])!.push(type)
  const shown = [
    'Objects',
    'Answers of mutations',
    'Inputs',
    'Filters',
    'Orders',
    'Enums',
    'Scalars',
    'Interfaces',
    'Pages',
  ]
  return [
    '# Schema\n',
    'Made by codegen.ts from what the schema says of itself; [the guides](guides/README.md) show it in use.\n',
    'Every list (…Connection) takes `first` and `after`, or `last` and `before`: 20 rows when nothing is said, at most 500.\n',
    ...roots.map((name) => typeReference(sorted.getType(name)!, '##')),
    ...shown.flatMap((title) => [
      `## ${title}\n`,
      ...members.get(title)!.map((type) => typeReference(type, '###')),
    ]),
  ].join('\n')
}

function typeReference(type: GraphQLNamedType, heading: string): string {
  const rows: string[][] = []
  if (isEnumType(type)) {
    for (const { name, description } of type.getValues()) rows.push([`\`${name}\``, '', description!])
  } else if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields()))
      rows.push([`\`${field.name}\``, typeLink(field.type), withDefault(field)])
  } else if (isObjectType(type) || isInterfaceType(type)) {
    for (const { name, type: of, description, args } of Object.values(type.getFields())) {
      rows.push([`\`${name}\``, typeLink(of), description!])
      const said = getNamedType(of).name.endsWith('Connection') ? PAGE_ARGUMENTS : []
      for (const arg of args.filter(({ name }) => !said.includes(name)))
        rows.push([`· \`${arg.name}:\``, typeLink(arg.type), withDefault(arg)])
    }
  }
  const table = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
  const head = rows.length > 0 ? '\n| | | |\n|---|---|---|\n' : ''
  return `${heading} ${type.name}\n\n${type.description}\n${head}${table.join('')}`
}

function typeLink(type: GraphQLType): string {
  const { name } = getNamedType(type)
  if (isSpecifiedScalarType(getNamedType(type))) return String(type)
  return String(type).replace(name, `[${name}](#${name.toLowerCase()})`)
}

function withDefault({ description, defaultValue }: GraphQLArgument | GraphQLInputField): string {
  return defaultValue === undefined
    ? description!
    : `${description} \`${String(defaultValue).toUpperCase()}\` when not given.`
}

const stale: string[] = []
for (const [file, text] of [
  [SCHEMA, schemaText],
  [REFERENCE, schemaReference(lexicographicSortSchema(schema))],
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
