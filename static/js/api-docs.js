// The API's calls, drawn by Swagger UI from our own description; nothing is fetched from elsewhere.
const mount = document.getElementById("swagger");

// In place of its BaseLayout, whose head and <main> would stand inside ours.
const quietLayout = ({ React: { createElement } }) => ({
  components: {
    QuietLayout: ({ getComponent }) => createElement("div", { className: "swagger-ui" },
      createElement(getComponent("SvgAssets")),
      createElement(getComponent("errors", true)),
      createElement("div", { className: "scheme-container" }, createElement(getComponent("AuthorizeBtnContainer", true))),
      createElement(getComponent("operations", true))),
  },
});

window.SwaggerUIBundle({
  domNode: mount,
  url: mount.dataset.openapi,
  docExpansion: "list",
  validatorUrl: null,
  syntaxHighlight: false,
  plugins: [quietLayout],
  layout: "QuietLayout",
});
