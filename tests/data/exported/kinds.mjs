import { z } from "zod";

const Tree = z.object({ name: z.string(), get children() { return z.array(Tree); } }).meta({ id: "Tree" });

const Kinds = z.object({
  id: z.uuidv4(),
  email: z.email(),
  link: z.url(),
  day: z.iso.date(),
  hour: z.iso.time(),
  span: z.iso.duration(),
  ip: z.ipv4(),
  net: z.cidrv6(),
  data: z.base64(),
  slug: z.string().regex(/^[a-z]+(-[a-z]+)*$/i).min(1).max(20),
  starts: z.string().startsWith("a/b").endsWith(".c").includes("-"),
  size: z.templateLiteral([z.number(), "px"]),
  small: z.int32().positive().multipleOf(3),
  ratio: z.number().gt(0).lt(1),
  flag: z.boolean().nullable().optional(),
  nothing: z.null(),
  word: z.literal(["a", 1, null, true]),
  colour: z.enum({ Red: 1, Green: 2 }),
  list: z.array(z.string()).nonempty().max(5),
  pair: z.tuple([z.string(), z.number().optional()]),
  rest: z.tuple([z.string()], z.boolean()),
  scores: z.record(z.enum(["a", "b"]), z.number()),
  some: z.partialRecord(z.enum(["a", "b"]), z.number()),
  either: z.union([z.string(), z.number(), z.array(z.boolean())]),
  both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })),
  open: z.looseObject({ a: z.string() }),
  typed: z.object({ a: z.string() }).catchall(z.number()),
  part: z.object({ a: z.string(), b: z.string() }).partial(),
  anything: z.any(),
  unknown: z.unknown(),
  trimmed: z.string().transform((text) => text.length),
  piped: z.string().pipe(z.coerce.number()),
  count: z.coerce.number().default(3),
  caught: z.string().catch("x"),
  pre: z.string().prefault("y"),
  when: z.date(),
  tree: Tree,
  json: z.json(),
  readonly: z.array(z.number()).readonly(),
  old: z.string().meta({ deprecated: true, examples: ["a"], title: "Old" }),
}).meta({ id: "Kinds" });

const options = { io: process.argv[2] ?? "input", unrepresentable: "any", target: process.argv[3] ?? "draft-2020-12" };
console.log(JSON.stringify(z.toJSONSchema(Kinds, options), null, 2));
