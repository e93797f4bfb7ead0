// Writes the sample reports into a folder, for a browser to open: headscope_sample_reports FOLDER
#include <fstream>
#include <iostream>

#include "tests/client/report/sample_report.h"

int main(int argc, char** argv) {
  using headscope::report::Report;
  using headscope::report::WriteReport;
  namespace tests = headscope::report::tests;
  if (argc != 2) {
    std::cerr << "usage: headscope_sample_reports FOLDER\n";
    return 2;
  }
  const std::pair<const char*, Report> reports[] = {
      {"small", tests::SampleReport({4, 4, 3, false})},
      {"middle", tests::SampleReport({12, 12, 6, false})},
      {"signed", tests::SampleReport({24, 16, 3, true})},
      {"large", tests::SampleReport({32, 32, 12, false})},
      {"tall", tests::SampleReport({80, 64, 4, false})},
      {"single", tests::SinglePattern()},
      {"hostile",
       tests::HostileReport("</b><script>document.title = 'broken'</script><img src=x onerror=alert(1)> \"'&")}};
  for (const auto& [name, report] : reports) {
    std::ofstream(std::string(argv[1]) + "/" + name + ".html", std::ios::binary) << WriteReport(report);
  }
  return 0;
}
