// SPDX-License-Identifier: BSD-3-Clause
/// SIF files with every field to choose, laid out as `apptainer build` 1.4.5 does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct SifObject {
    std::uint32_t type = 0;
    std::string content = {};
    std::string name = {};
    std::uint32_t file_system = 0;
    std::uint32_t partition = 0;
    std::string architecture = {};
    std::uint64_t align = 1;
};

class SifBuilder {
  public:
    std::vector<SifObject> objects = {
        {.type = 0x4001, .content = "Bootstrap: scratch\n"},
        {.type = 0x4006,
         .content = R"({"data":{"attributes":{"labels":{"team":"atse"}}},"type":"container"})",
         .name = "inspect-metadata.json"},
        {.type = 0x4004,
         .content = std::string(4096, 'q'),
         .file_system = 1,
         .partition = 2,
         .architecture = "02",
         .align = 4096},
    };
    std::uint64_t descriptors = 48;

    static void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            bytes.at(at + i) = static_cast<char>(value >> (8 * i) & 0xff);
        }
    }

    std::string build() const {
        std::string file(4096 + descriptors * 585, '\0');
        file.replace(0, 32, std::string("#!/usr/bin/env run-singularity\n\0", 32));
        file.replace(32, 16,
                     std::string("SIF_MAGIC\0"
                                 "01\0"
                                 "02\0",
                                 16));
        put(file, 80, descriptors - objects.size(), 8);
        put(file, 88, descriptors, 8);
        put(file, 96, 4096, 8);
        put(file, 104, descriptors * 585, 8);
        put(file, 112, file.size(), 8);
        for (std::size_t i = 0; i < objects.size(); ++i) {
            const SifObject& object = objects[i];
            file.resize((file.size() + object.align - 1) / object.align * object.align);
            const std::size_t at = 4096 + i * 585;
            put(file, at, object.type, 4);
            put(file, at + 4, 1, 1);
            put(file, at + 5, i + 1, 4);
            put(file, at + 17, file.size(), 8);
            put(file, at + 25, object.content.size(), 8);
            file.replace(at + 73, object.name.size(), object.name);
            put(file, at + 201, object.file_system, 4);
            put(file, at + 205, object.partition, 4);
            file.replace(at + 209, object.architecture.size(), object.architecture);
            file += object.content;
        }
        return file;
    }
};
