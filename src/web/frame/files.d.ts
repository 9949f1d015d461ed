// Files that are part of the program as they are: text.
declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.svg" {
  const text: string;
  export default text;
}
declare module "*/enhance.js" {
  const text: string;
  export default text;
}
