export enum Colour { Red = "red", Green = "green" }
export enum Level { Low, High }

export interface Base { id: string }
export interface Named extends Base { name?: string | null }
export type Both = Base & { b: number };
export interface Page<T> { items: T[]; next?: string }
/** A tree. */
export interface Tree { name: string; children: readonly Tree[] }
export type Shape = { type: "circle"; radius: number } | { type: "square"; side: number };
export class Point { constructor(public x: number, public y: number = 0) {} }

export interface Kinds {
  colour: Colour;
  level: Level;
  named: Named;
  both: Both;
  page: Page<number>;
  pages: { [name: string]: Page<Named> };
  tree: Tree;
  shape: Shape;
  point: Point;
  part: Partial<Base>;
  picked: Pick<Named, "id">;
  omitted: Omit<Kinds, "omitted" | "picked" | "tree">;
  flags: Record<"a" | "b", boolean>;
  pair: [string, number?];
  rest: [string, ...boolean[]];
  pixels: `${number}px`;
  either: string | number | boolean[];
  word: "a" | 1 | null | true;
  anything: any;
  unknown: unknown;
  link: URL;
  when: Date;
  data: Uint8Array;
  /**
   * @deprecated use word
   * @default "x"
   * @examples ["x", "y"]
   * @minLength 1
   */
  old?: string;
  /** @format email */
  "e-mail": string;
  /** @TJS-type integer @asType integer @minimum 0 @exclusiveMaximum 10 @multipleOf 2 */
  even: number;
}
